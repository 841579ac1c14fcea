/** Which keys run a command: the user's own, or those it comes with. */
import type { Command } from "../commands";
import type { Settings } from "./settings";

export function keysOfCommand(command: Command, changed: Settings["keys"]): readonly string[] {
  return changed[command.id] ?? command.keys ?? [];
}
