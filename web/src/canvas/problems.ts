/** What the server finds wrong, by node and input: problems carry JSON pointers into the document. */
import { useMemo } from "react";
import { useDocument, useRun } from "../editor/context";
import type { ScopePath } from "../graph/document";
import { pointerParts } from "../graph/document";

type Problem = { readonly path: string; readonly message: string; readonly hint: string };
type Place = { readonly node: string; readonly input: string };

/** The node and input that a pointer leads to, in the open scope; the input is empty for the node itself. */
export function placeOfProblem(path: string, scope: ScopePath): Place | null {
  const parts = pointerParts(path);
  if (scope.some((part, index) => parts[index] !== part)) return null;
  const [kind, node, side, input] = parts.slice(scope.length);
  if (kind !== "nodes" || node === undefined) return null;
  return { node, input: side === "inputs" && input !== undefined ? input : "" };
}

export function wordsOf(problem: Problem): string {
  return problem.hint ? `${problem.message}: ${problem.hint}` : problem.message;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** Problems of one node, by input. */
export function useNodeProblems(id: string): ReadonlyMap<string, string> {
  const scope = useDocument((state) => state.scope);
  const problems = useRun((state) => state.problems);
  const fault = useRun((state) => state.nodes[id]?.fault ?? null);
  return useMemo(() => {
    const found = new Map<string, string>();
    for (const problem of problems) {
      const place = placeOfProblem(problem.path, scope);
      if (place?.node === id) found.set(place.input, wordsOf(problem));
    }
    const blamed = fault && placeOfProblem(fault.path, scope);
    if (fault && blamed?.node === id && blamed.input !== "") found.set(blamed.input, wordsOf(fault));
    return found.size > 0 ? found : NONE;
  }, [problems, fault, scope, id]);
}

/** Ids of nodes with problems. */
export function faultyNodes(problems: readonly Problem[], scope: ScopePath): ReadonlySet<string> {
  return new Set(problems.map((problem) => placeOfProblem(problem.path, scope)?.node ?? "").filter(Boolean));
}
