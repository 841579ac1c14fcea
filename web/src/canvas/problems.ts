/** What the server finds wrong, by node and input: problems carry JSON pointers into the document. */
import { useMemo } from "react";
import { useDocument, useRun } from "../editor/context";
import { nodesOf, pointerParts, type ScopePath, scopeAt, type Workflow } from "../graph/document";
import { subgraphOf, usedBy } from "../graph/scopes";
import { t } from "../i18n";
import { useNodeRun } from "./nodeRun";

type Problem = { readonly path: string; readonly message: string; readonly hint: string };
type Place = { readonly node: string; readonly input: string };
type ByInput = ReadonlyMap<string, string>;

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

const NONE: ByInput = new Map();
const known = new WeakMap<readonly Problem[], { workflow: Workflow; scope: ScopePath; found: Map<string, ByInput> }>();

/** Problems of the open scope by node and input; an instance has those inside its subgraph, too. */
export function problemsByNode(
  problems: readonly Problem[],
  workflow: Workflow,
  scope: ScopePath,
): ReadonlyMap<string, ByInput> {
  const kept = known.get(problems);
  if (kept?.workflow === workflow && kept.scope === scope) return kept.found;
  const found = new Map<string, Map<string, string>>();
  const add = (node: string, input: string, words: string) =>
    found.set(node, (found.get(node) ?? new Map<string, string>()).set(input, words));
  for (const problem of problems) {
    const place = placeOfProblem(problem.path, scope);
    if (place) add(place.node, place.input, wordsOf(problem));
  }
  const inside = problems.filter((problem) => problem.path.startsWith("/subgraphs/"));
  for (const [id, node] of inside.length > 0 ? Object.entries(nodesOf(scopeAt(workflow, scope))) : []) {
    if (subgraphOf(node) === undefined) continue;
    const used = usedBy(workflow, { nodes: { [id]: node } });
    const first = inside.find((problem) => used.has(pointerParts(problem.path)[1] ?? ""));
    if (first) add(id, "", t("node.problem_inside", { message: wordsOf(first) }));
  }
  known.set(problems, { workflow, scope, found });
  return found;
}

/** Problems of one node, by input. */
export function useNodeProblems(id: string): ByInput {
  const scope = useDocument((state) => state.scope);
  const problems = useRun((state) => state.problems);
  const own = useDocument((state) => problemsByNode(problems, state.history.document, state.scope).get(id) ?? NONE);
  const fault = useNodeRun(id)?.fault ?? null;
  return useMemo(() => {
    const blamed = fault && placeOfProblem(fault.path, scope);
    if (!fault || blamed?.node !== id || blamed.input === "") return own;
    return new Map(own).set(blamed.input, wordsOf(fault));
  }, [own, fault, scope, id]);
}
