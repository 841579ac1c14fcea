/** Commands on what nodes have made. */

import { nodeIds } from "../../canvas/moving";
import { t } from "../../i18n";
import { comparing, type Pair } from "../../media/comparing";
import { nameOf } from "../../media/Pictures";
import { loadResult } from "../../media/use";
import type { Artifact } from "../../run/events";
import { localRuns, runId } from "../../run/local";
import { servicesOf } from "../services";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

export const MEDIA_COMMANDS: readonly Command[] = [
  command("compare", "cmd.compare", ["alt+v"], compare),
  command("use_as_input", "cmd.use_as_input", ["alt+u"], (place) => void useSelected(place)),
];

const isVisible = (artifact: Artifact) => /^(image|video)\//.test(artifact.media_type);

/** The last things to see that the selected nodes made in the shown run. */
export function resultsOf({ editor, runner }: Workplace): readonly { readonly id: string; readonly made: Artifact }[] {
  const runs = localRuns(runner.run.getState().nodes, editor.document.getState().trail);
  return [...nodeIds(editor)].flatMap((id) => {
    const made = runs.get(id)?.artifacts.findLast(isVisible);
    return made ? [{ id, made }] : [];
  });
}

/** Two nodes' results, or a node's result and what it made in the job before. */
export function pairOf(place: Workplace): Pair | null {
  const [one, other] = resultsOf(place);
  if (one && other) return [one.made, other.made];
  if (!one) return null;
  const node = runId(place.editor.document.getState().trail, one.id);
  const made = place.runner.run.getState().jobs.flatMap((job) => job.artifacts);
  const before = made.find((entry) => entry.node === node && entry.digest !== one.made.digest && isVisible(entry));
  return before ? [before, one.made] : null;
}

function compare(place: Workplace): void {
  const pair = pairOf(place);
  if (pair) comparing.getState().open(pair);
  else place.tell(t("media.compare_select"));
}

async function useSelected(place: Workplace): Promise<void> {
  const { editor, tell } = place;
  const [result] = resultsOf(place);
  if (!result) return;
  const added = await loadResult({ editor, services: servicesOf(tell) }, result.id, result.made);
  tell(t(added === null ? "media.no_loader" : "media.used", { name: nameOf(result.made) }));
}
