/** Commands that open and close parts of the window. */

import { type Command, command } from "./command";

export const PANELS_COMMANDS: readonly Command[] = [
  command("find", "cmd.find", ["mod+f"], ({ ui }) => ui.setState({ dialog: "find" }), true),
  command("queue", "cmd.queue", ["q"], ({ ui }) => ui.getState().toggle("queue")),
  command("library", "cmd.library", ["n", "a"], ({ ui }) => ui.getState().toggle("library")),
  command("history", "cmd.history", ["shift+h"], ({ ui }) => ui.getState().toggle("history")),
  command("problems", "cmd.problems", ["shift+p"], ({ ui }) => ui.getState().toggle("problems")),
  command("minimap", "cmd.minimap", ["alt+shift+m"], ({ settings }) =>
    settings.setState(({ minimap }) => ({ minimap: !minimap })),
  ),
  command("workflows", "cmd.workflows", ["w"], ({ ui }) => ui.getState().toggle("workflows")),
  command("exposed", "cmd.exposed", ["i"], ({ ui }) => ui.getState().toggle("exposed")),
];
