/** The one problem that is no single node's: a workflow in which there is nothing to run. */
import { nodesOf, type Workflow } from "../graph/document";
import { scopesOf, type Trail, trailTo } from "../graph/scopes";
import { fitView } from "./commands/view";
import type { Workplace } from "./workplace";

/** Why there is nothing to run, when a problem says so. */
export function nothingToRun(
  problem: { readonly code: string },
  workflow: Workflow,
): "switched_off" | "no_result" | null {
  if (problem.code !== "no_sink") return null;
  return switchedOff(workflow) ? "switched_off" : "no_result";
}

/** Select the nodes that are muted or bypassed, in the first scope that has some, and show them. */
export function showSwitchedOff(place: Workplace): void {
  const { editor } = place;
  const found = switchedOff(editor.workflow);
  if (!found) return;
  editor.goInto(found.trail);
  editor.select(found.ids);
  fitView(place, true);
}

function switchedOff(workflow: Workflow): { readonly trail: Trail; readonly ids: readonly string[] } | null {
  for (const { path, scope } of scopesOf(workflow)) {
    const off = Object.entries(nodesOf(scope)).filter(([, node]) => (node.mode ?? "run") !== "run");
    const trail = path.length === 0 ? [] : trailTo(workflow, path[1] ?? "");
    if (off.length > 0 && trail !== null) return { trail, ids: off.map(([id]) => id) };
  }
  return null;
}
