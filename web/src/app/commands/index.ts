/** Every command, in one place: keys, menus, palette and toolbar take them from here. */
import { ARRANGE_COMMANDS } from "./arrange";
import { CLIPBOARD_COMMANDS } from "./clipboard";
import type { Command } from "./command";
import { EDIT_COMMANDS } from "./edit";
import { FILES_COMMANDS } from "./files";
import { HELP_COMMANDS } from "./help";
import { LINK_COMMANDS } from "./link";
import { MEDIA_COMMANDS } from "./media";
import { MENU_COMMANDS } from "./menu";
import { PANELS_COMMANDS } from "./panels";
import { RUN_COMMANDS } from "./run";
import { SELECT_COMMANDS } from "./select";
import { SUBGRAPH_COMMANDS } from "./subgraphs";
import { TAB_COMMANDS } from "./tabs";
import { VIEW_COMMANDS } from "./view";
import { CHOOSE_COMMANDS, WALK_COMMANDS } from "./walk";

export type { Command } from "./command";

/** The commands by the menus that they stand in, in parts with a line between. */
export const GROUPS = {
  file: [FILES_COMMANDS, TAB_COMMANDS],
  edit: [EDIT_COMMANDS, LINK_COMMANDS, CLIPBOARD_COMMANDS, SELECT_COMMANDS, CHOOSE_COMMANDS],
  arrange: [ARRANGE_COMMANDS, SUBGRAPH_COMMANDS],
  go: [WALK_COMMANDS],
  view: [VIEW_COMMANDS, PANELS_COMMANDS],
  run: [RUN_COMMANDS, MEDIA_COMMANDS],
  help: [HELP_COMMANDS, MENU_COMMANDS],
} as const satisfies Record<string, readonly (readonly Command[])[]>;

export type GroupName = keyof typeof GROUPS;

/** Every command, once. */
export const COMMANDS: readonly Command[] = [
  ...GROUPS.run,
  ...GROUPS.edit,
  ...GROUPS.arrange,
  ...GROUPS.go,
  ...GROUPS.view,
  ...GROUPS.file,
  ...GROUPS.help,
].flat();

export function commandById(id: string): Command | undefined {
  return COMMANDS.find((entry) => entry.id === id);
}
