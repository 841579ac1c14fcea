/** Copied nodes as text for the system's clipboard, so that they cross tabs, windows and chats; and pasting them. */
import {
  inputsOf,
  isLink,
  isObject,
  type Json,
  type JsonObject,
  type NodeInstance,
  nodesOf,
  type Point,
  type Scope,
  type ScopePath,
  SUBGRAPH_PREFIX,
  scopeAt,
  type Workflow,
} from "./document";
import type { Edit } from "./history";
import { copyId, freshId } from "./ids";
import type { Patch } from "./patch";
import { asWorkflow } from "./read";
import { shiftedVia } from "./reroutes";
import { subgraphOf, usedBy, wouldNest } from "./scopes";

/** What is copied is a small workflow of its own: whoever pastes it into a file has a valid document. */
export type Clip = {
  readonly nodes: { readonly [id: string]: NodeInstance };
  /** Definitions of the subgraphs that the nodes use, themselves or through others. */
  readonly subgraphs: { readonly [id: string]: Scope };
};

export function copyNodes(workflow: Workflow, path: ScopePath, ids: ReadonlySet<string>): Clip {
  const nodes = Object.fromEntries(Object.entries(nodesOf(scopeAt(workflow, path))).filter(([id]) => ids.has(id)));
  const used = usedBy(workflow, { nodes });
  const subgraphs = Object.fromEntries(Object.entries(workflow.subgraphs ?? {}).filter(([id]) => used.has(id)));
  return { nodes, subgraphs };
}

export function writeClip(clip: Clip): string {
  const subgraphs = Object.keys(clip.subgraphs).length > 0 ? { subgraphs: clip.subgraphs } : {};
  return JSON.stringify({ kinegraph: 1, nodes: clip.nodes, ...subgraphs }, null, 1);
}

/** The nodes in a pasted text, or null when it is something else. */
export function readClip(text: string): Clip | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    const value: Json = JSON.parse(text);
    if (!isObject(value)) return null;
    const workflow = asWorkflow(value);
    return { nodes: nodesOf(workflow), subgraphs: workflow.subgraphs ?? {} };
  } catch {
    return null;
  }
}

export type Pasting = {
  /** Links that lead out of the clip are kept where their node exists. */
  readonly keepLinks: boolean;
  /** The step's name. */
  readonly key: string;
};

/**
 * Add copies of nodes, moved by `offset`. A subgraph that the document has already is shared, another one of the same
 * id comes under a new one. Instances that would put a subgraph into itself are left out.
 */
export function pasteNodes(
  workflow: Workflow,
  path: ScopePath,
  clip: Clip,
  offset: Point,
  options: Pasting,
): { edit: Edit; ids: string[]; refused: number } {
  const scope = scopeAt(workflow, path);
  const { patches, types } = pasteDefinitions(workflow, clip);
  const all = Object.entries(clip.nodes).map(([id, node]) => [id, retyped(node, types)] as const);
  const fitting = all.filter(([, node]) => !wouldNest(workflow, path, subgraphOf(node) ?? ""));
  const ids = new Map<string, string>();
  const used = new Set(Object.keys(nodesOf(scope)));
  for (const [id, node] of fitting) {
    const copy = subgraphOf(node) === undefined ? freshId(used, node.type) : copyId(used, id);
    used.add(copy);
    ids.set(id, copy);
  }
  const keeps = (node: string) => options.keepLinks && Object.hasOwn(nodesOf(scope), node);
  const nodes = fitting.map(([id, node]): Patch => {
    const [x, y] = node.at ?? [0, 0];
    const at = [Math.round(x + offset[0]), Math.round(y + offset[1])];
    const copy = { ...relinked(node, ids, keeps, offset), at };
    return { op: "set", path: [...path, "nodes", ids.get(id) ?? id], value: copy as unknown as Json };
  });
  const edit = {
    label: { key: options.key, count: nodes.length },
    patches: nodes.length > 0 ? [...patches, ...nodes] : [],
  };
  return { edit, ids: [...ids.values()], refused: all.length - fitting.length };
}

/** Definitions that the document lacks, and under which id each one of the clip's is found there. */
function pasteDefinitions(workflow: Workflow, clip: Clip): { patches: Patch[]; types: ReadonlyMap<string, string> } {
  const known = new Map(Object.entries(workflow.subgraphs ?? {}));
  const types = new Map<string, string>();
  const patches: Patch[] = [];
  for (const id of innermostFirst(clip)) {
    const scope = clip.subgraphs[id] ?? {};
    const nodes = Object.fromEntries(
      Object.entries(nodesOf(scope)).map(([name, node]) => [name, retyped(node, types)]),
    );
    const copy: Scope = scope.nodes ? { ...scope, nodes } : scope;
    const there = known.get(id);
    if (there && JSON.stringify(there) === JSON.stringify(copy)) continue;
    const name = there ? copyId(known, id) : id;
    if (name !== id) types.set(id, name);
    known.set(name, copy);
    patches.push({ op: "set", path: ["subgraphs", name], value: copy as unknown as Json });
  }
  return { patches, types };
}

function innermostFirst(clip: Clip): string[] {
  const all: Workflow = { kinegraph: 1, subgraphs: clip.subgraphs };
  const size = (id: string) => usedBy(all, clip.subgraphs[id] ?? {}).size;
  return Object.keys(clip.subgraphs).sort((one, other) => size(one) - size(other));
}

function retyped(node: NodeInstance, types: ReadonlyMap<string, string>): NodeInstance {
  const next = types.get(subgraphOf(node) ?? "");
  return next === undefined ? node : { ...node, type: SUBGRAPH_PREFIX + next };
}

/** Inputs with links followed through `ids` (old to new); links that lead out of the copied nodes stay or go. */
function relinked(
  node: NodeInstance,
  ids: ReadonlyMap<string, string>,
  keepOutside: (node: string) => boolean,
  offset: Point,
): NodeInstance {
  if (!node.inputs) return node;
  const result: Record<string, Json> = {};
  for (const [name, value] of Object.entries<Json>(inputsOf(node) as JsonObject)) {
    const inside = isLink(value) ? ids.get(value.link[0]) : undefined;
    if (!isLink(value)) result[name] = value;
    else if (inside !== undefined)
      result[name] = shiftedVia({ ...value, link: [inside, value.link[1]] }, offset[0], offset[1]);
    else if (keepOutside(value.link[0])) result[name] = value;
  }
  return { ...node, inputs: result };
}
