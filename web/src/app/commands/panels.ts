/** Commands that open and close parts of the window. */

import { type Command, command } from "./command";

export const PANELS_COMMANDS: readonly Command[] = [
  command("palette", "cmd.palette", ["mod+k", "mod+shift+p"], ({ ui }) => ui.setState({ dialog: "palette" }), true),
  command("queue", "cmd.queue", ["q"], ({ ui }) => ui.getState().toggle("queue")),
  command("library", "cmd.library", ["n", "a"], ({ ui }) => ui.getState().toggle("library")),
  command("history", "cmd.history", ["shift+h"], ({ ui }) => ui.getState().toggle("history")),
  command("problems", "cmd.problems", ["shift+p"], ({ ui }) => ui.getState().toggle("problems")),
  command("minimap", "cmd.minimap", ["alt+shift+m"], ({ ui }) => ui.setState(({ minimap }) => ({ minimap: !minimap }))),
  command("theme", "cmd.theme", [], ({ ui }) => ui.getState().switchTheme()),
  command("shortcuts", "cmd.shortcuts", ["mod+shift+k", "?"], ({ ui }) => ui.setState({ dialog: "shortcuts" })),
];
