/** Commands that explain. */
import { nodeIds } from "../../canvas/moving";
import { nodesOf } from "../../graph/document";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

export const HELP_COMMANDS: readonly Command[] = [
  command("palette", "cmd.palette", ["mod+k", "mod+shift+p"], ({ ui }) => ui.setState({ dialog: "palette" }), true),
  command("help", "cmd.help", ["f1"], explain, true),
  command("shortcuts", "cmd.shortcuts", ["mod+shift+k", "?"], ({ ui }) => ui.setState({ dialog: "shortcuts" })),
  command("settings", "cmd.settings", ["mod+,"], ({ ui }) => ui.setState({ dialog: "settings" }), true),
];

/** Open the help of the selected node. */
function explain({ editor, ui, tell }: Workplace): void {
  const [id] = nodeIds(editor);
  const type = id === undefined ? undefined : nodesOf(editor.scope)[id]?.type;
  if (type === undefined) tell(t("tell.select_for_help"));
  else ui.setState({ dialog: "help", helpOf: type });
}
