/** Every command, once, in the order of the palette. */
import { ARRANGE_COMMANDS } from "./arrange";
import { CLIPBOARD_COMMANDS } from "./clipboard";
import type { Command } from "./command";
import { EDIT_COMMANDS } from "./edit";
import { FILES_COMMANDS } from "./files";
import { MEDIA_COMMANDS } from "./media";
import { MENU_COMMANDS } from "./menu";
import { PANELS_COMMANDS } from "./panels";
import { RUN_COMMANDS } from "./run";
import { SELECT_COMMANDS } from "./select";
import { SUBGRAPH_COMMANDS } from "./subgraphs";
import { TAB_COMMANDS } from "./tabs";
import { VIEW_COMMANDS } from "./view";

export type { Command } from "./command";

export const COMMANDS: readonly Command[] = [
  ...RUN_COMMANDS,
  ...EDIT_COMMANDS,
  ...CLIPBOARD_COMMANDS,
  ...SELECT_COMMANDS,
  ...SUBGRAPH_COMMANDS,
  ...ARRANGE_COMMANDS,
  ...MENU_COMMANDS,
  ...MEDIA_COMMANDS,
  ...VIEW_COMMANDS,
  ...FILES_COMMANDS,
  ...TAB_COMMANDS,
  ...PANELS_COMMANDS,
];

export function commandById(id: string): Command | undefined {
  return COMMANDS.find((entry) => entry.id === id);
}
