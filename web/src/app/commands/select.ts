/** Commands that choose nodes, and move what is chosen by the keyboard. */

import { nodeIds, nudge } from "../../canvas/moving";
import { nodesOf } from "../../graph/document";
import { moveReroutes, pointOf } from "../../graph/reroutes";
import { reach } from "../../graph/scopes";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";
import { sceneNow } from "./view";

/** How far an arrow key moves: a step of the grid, or a pixel with Shift. */
const STEP = 12;

export const SELECT_COMMANDS: readonly Command[] = [
  command("select_all", "cmd.select_all", ["mod+a"], ({ editor }) => editor.select(Object.keys(nodesOf(editor.scope)))),
  command("select_upstream", "cmd.select_upstream", ["["], (place) => selectReach(place, "upstream")),
  command("select_downstream", "cmd.select_downstream", ["]"], (place) => selectReach(place, "downstream")),
  command("nudge_left", "cmd.nudge_left", ["arrowleft"], (place) => move(place, -STEP, 0)),
  command("nudge_right", "cmd.nudge_right", ["arrowright"], (place) => move(place, STEP, 0)),
  command("nudge_up", "cmd.nudge_up", ["arrowup"], (place) => move(place, 0, -STEP)),
  command("nudge_down", "cmd.nudge_down", ["arrowdown"], (place) => move(place, 0, STEP)),
];

function selectReach({ editor }: Workplace, way: "upstream" | "downstream"): void {
  const ids = nodeIds(editor);
  editor.select([...ids, ...reach(editor.scope, ids, way)]);
}

/** Move the selected points of links, or else the selected nodes. */
function move(place: Workplace, dx: number, dy: number): void {
  const { editor } = place;
  const { reroutes } = editor.document.getState();
  if (reroutes.length === 0) {
    nudge(editor, sceneNow(place), dx, dy);
    return;
  }
  const places = reroutes.flatMap((reroute) => {
    const at = pointOf(editor.scope, reroute);
    return at ? [{ reroute, at: [at[0] + dx, at[1] + dy] as const }] : [];
  });
  editor.edit((workflow, path) => ({ ...moveReroutes(workflow, path, places), merge: "arrow keys" }));
}
