/** How the nodes of the open scope stand in the shown run. */
import { useDocument, useRun } from "../editor/context";
import { localRuns, localStep } from "../run/local";
import type { NodeRun } from "../run/state";

export function useNodeRun(id: string): NodeRun | undefined {
  const trail = useDocument((state) => state.trail);
  return useRun((state) => localRuns(state.nodes, trail).get(id));
}

export function usePlanStep(id: string) {
  const trail = useDocument((state) => state.trail);
  return useRun((state) => localStep(state.plan, trail, id));
}
