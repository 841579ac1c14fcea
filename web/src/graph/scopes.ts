/**
 * Subgraphs and their uses: which scope a trail of instances leads to, who uses a definition, and which definitions an
 * edit leaves without a use. A trail is the ids of the instances that one goes through, from the workflow inwards; the
 * server names the nodes of a run by it, joined with slashes.
 */
import {
  linksOf,
  type NodeInstance,
  nodesOf,
  ROOT,
  type Scope,
  type ScopePath,
  SUBGRAPH_PREFIX,
  scopeAt,
  type Workflow,
} from "./document";
import { applyPatches, type Patch } from "./patch";

export type Trail = readonly string[];
export type Place = { readonly path: ScopePath; readonly scope: Scope };

/** Id of the subgraph that a node is an instance of, or undefined. */
export function subgraphOf(node: NodeInstance | undefined): string | undefined {
  return node?.type.startsWith(SUBGRAPH_PREFIX) ? node.type.slice(SUBGRAPH_PREFIX.length) : undefined;
}

/** The workflow's own scope, and those of its subgraphs. */
export function* scopesOf(workflow: Workflow): Generator<Place> {
  yield { path: ROOT, scope: workflow };
  for (const [id, scope] of Object.entries(workflow.subgraphs ?? {})) yield { path: ["subgraphs", id], scope };
}

/** Every use of a subgraph, in all scopes. */
export function* instancesOf(workflow: Workflow, subgraph: string): Generator<Place & { readonly id: string }> {
  for (const place of scopesOf(workflow))
    for (const [id, node] of Object.entries(nodesOf(place.scope)))
      if (subgraphOf(node) === subgraph) yield { ...place, id };
}

/** The longest beginning of a trail that leads through instances which are there, and the scope at its end. */
export function follow(workflow: Workflow, trail: Trail): { readonly trail: Trail; readonly path: ScopePath } {
  let path: ScopePath = ROOT;
  for (const [index, id] of trail.entries()) {
    const node = nodesOf(scopeAt(workflow, path));
    const subgraph = subgraphOf(Object.hasOwn(node, id) ? node[id] : undefined);
    if (subgraph === undefined || !Object.hasOwn(workflow.subgraphs ?? {}, subgraph))
      return { trail: trail.slice(0, index), path };
    path = ["subgraphs", subgraph];
  }
  return { trail, path };
}

/** A shortest way from the workflow into a subgraph, or null when nothing that runs uses it. */
export function trailTo(workflow: Workflow, subgraph: string): Trail | null {
  const seen = new Set<string>();
  let waiting: { trail: Trail; scope: Scope }[] = [{ trail: [], scope: workflow }];
  while (waiting.length > 0) {
    const next: typeof waiting = [];
    for (const { trail, scope } of waiting)
      for (const [id, node] of Object.entries(nodesOf(scope))) {
        const used = subgraphOf(node);
        if (used === undefined || seen.has(used)) continue;
        if (used === subgraph) return [...trail, id];
        seen.add(used);
        next.push({ trail: [...trail, id], scope: scopeAt(workflow, ["subgraphs", used]) });
      }
    waiting = next;
  }
  return null;
}

/** The subgraphs that a scope uses, itself or through others. */
export function usedBy(workflow: Workflow, scope: Scope): Set<string> {
  const used = new Set<string>();
  const waiting: Scope[] = [scope];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    for (const node of Object.values(nodesOf(next))) {
      const id = subgraphOf(node);
      if (id === undefined || used.has(id)) continue;
      used.add(id);
      waiting.push(scopeAt(workflow, ["subgraphs", id]));
    }
  return used;
}

/** Whether a subgraph would contain itself if an instance of `inner` stood in the scope at `path`. */
export function wouldNest(workflow: Workflow, path: ScopePath, inner: string): boolean {
  const [, outer] = path;
  return (
    outer !== undefined && (outer === inner || usedBy(workflow, scopeAt(workflow, ["subgraphs", inner])).has(outer))
  );
}

/** The patches, and the removal of every definition that was used before them and is not any more. */
export function withoutUnused(workflow: Workflow, patches: readonly Patch[]): readonly Patch[] {
  const before = usedBy(workflow, workflow);
  if (before.size === 0) return patches;
  const { document } = applyPatches(workflow, patches);
  const after = usedBy(document, document);
  const lost = [...before].filter((id) => !after.has(id) && Object.hasOwn(document.subgraphs ?? {}, id));
  return [...patches, ...lost.map((id): Patch => ({ op: "remove", path: ["subgraphs", id] }))];
}

/** The nodes of a flat workflow that a node stands for: itself, or all plain nodes inside. */
export function plainNodes(workflow: Workflow, scope: Scope, id: string, depth = 0): string[] {
  const subgraph = subgraphOf(nodesOf(scope)[id]);
  if (subgraph === undefined) return [id];
  if (depth >= 64) return [];
  const inside = scopeAt(workflow, ["subgraphs", subgraph]);
  return Object.keys(nodesOf(inside)).flatMap((inner) =>
    plainNodes(workflow, inside, inner, depth + 1).map((name) => `${id}/${name}`),
  );
}

/** The nodes that feed the given ones, or that they feed, however far; without themselves unless they lie between. */
export function reach(scope: Scope, from: ReadonlySet<string>, way: "upstream" | "downstream"): Set<string> {
  const steps = new Map<string, string[]>();
  for (const { node, link } of linksOf(scope)) {
    const [key, to] = way === "upstream" ? [node, link.link[0]] : [link.link[0], node];
    steps.set(key, [...(steps.get(key) ?? []), to]);
  }
  const found = new Set<string>();
  const waiting = [...from];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop())
    for (const next of steps.get(id) ?? [])
      if (!found.has(next)) {
        found.add(next);
        waiting.push(next);
      }
  return found;
}
