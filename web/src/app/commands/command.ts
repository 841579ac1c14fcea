/** What a command is: the keys, the menus, the palette and the toolbar all take it from one list. */
import type { TextKey } from "../../i18n";
import type { Workplace } from "../workplace";

export type Command = {
  readonly id: string;
  readonly title: TextKey;
  readonly keys?: readonly string[];
  readonly run: (place: Workplace) => void;
  /** Whether its keys work while one types. */
  readonly whileTyping?: boolean;
};

export const command = (
  id: string,
  title: TextKey,
  keys: readonly string[],
  run: Command["run"],
  whileTyping = false,
): Command => ({ id, title, keys, run, whileTyping });
