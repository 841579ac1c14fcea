/** Commands that run, and stop running. */

import { nodeIds } from "../../canvas/moving";
import { plainNodes } from "../../graph/scopes";
import { runId } from "../../run/local";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

export const RUN_COMMANDS: readonly Command[] = [
  command(
    "run",
    "cmd.run",
    ["mod+enter"],
    ({ runner, ui }) => void runner.submit({ count: ui.getState().batch }),
    true,
  ),
  command("run_front", "cmd.run_front", ["mod+shift+enter"], ({ runner }) => void runner.submit({ front: true }), true),
  command("run_selected", "cmd.run_selected", ["alt+enter"], runSelected, true),
  command(
    "cancel",
    "cmd.cancel",
    ["mod+alt+enter"],
    ({ runner }) => {
      const job = runner.current;
      if (job !== null) void runner.cancel(job);
    },
    true,
  ),
];

function runSelected({ editor, runner }: Workplace): void {
  const inside = (id: string) => plainNodes(editor.workflow, editor.scope, id).map((node) => runId(editor.trail, node));
  const targets = [...nodeIds(editor)].flatMap(inside);
  if (targets.length > 0) void runner.submit({ targets });
}
