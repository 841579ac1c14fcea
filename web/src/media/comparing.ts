/** Which two results are compared. One page has one comparison, whatever tabs are open. */
import { createStore } from "zustand/vanilla";
import type { Services } from "../editor/context";
import { t } from "../i18n";
import type { Artifact } from "../run/events";

export type Pair = readonly [one: Artifact, other: Artifact];

type Comparing = {
  /** What was chosen first, while the other one is not. */
  readonly first: Artifact | null;
  readonly pair: Pair | null;
  readonly choose: (artifact: Artifact, tell: Services["tell"]) => void;
  readonly open: (pair: Pair) => void;
  readonly close: () => void;
};

export const comparing = createStore<Comparing>((set, get) => ({
  first: null,
  pair: null,
  choose: (artifact, tell) => {
    const { first } = get();
    if (first && first.path !== artifact.path) return set({ first: null, pair: [first, artifact] });
    set({ first: first ? null : artifact });
    if (!first) tell(t("media.compare_pick", { name: artifact.path }));
  },
  open: (pair) => set({ first: null, pair }),
  close: () => set({ pair: null }),
}));
