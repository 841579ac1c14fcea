/** Copied nodes, groups and notes as text for the system's clipboard, so that they cross tabs, windows and chats; and pasting them. */
import {
  type Group,
  inputsOf,
  isLink,
  isObject,
  type Json,
  type JsonObject,
  type NodeInstance,
  type Note,
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
  readonly groups: readonly Group[];
  readonly notes: readonly Note[];
};

/** Groups and notes, which have no ids. */
export type Frames = Pick<Clip, "groups" | "notes">;
const NO_FRAMES: Frames = { groups: [], notes: [] };

/** The nodes of these ids, with groups and notes of the same scope. */
export function copyPart(
  workflow: Workflow,
  path: ScopePath,
  ids: ReadonlySet<string>,
  { groups, notes }: Frames = NO_FRAMES,
): Clip {
  const nodes = Object.fromEntries(Object.entries(nodesOf(scopeAt(workflow, path))).filter(([id]) => ids.has(id)));
  const used = usedBy(workflow, { nodes });
  const subgraphs = Object.fromEntries(Object.entries(workflow.subgraphs ?? {}).filter(([id]) => used.has(id)));
  return { nodes, subgraphs, groups, notes };
}

export function writeClip(clip: Clip): string {
  const { nodes, ...others } = clip;
  const parts = Object.entries(others).filter(([, part]) => Object.keys(part).length > 0);
  return JSON.stringify({ kinegraph: 1, nodes, ...Object.fromEntries(parts) }, null, 1);
}

/** What a pasted text brings, or null when it is something else. */
export function readClip(text: string): Clip | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    const value: Json = JSON.parse(text);
    if (!isObject(value)) return null;
    const workflow = asWorkflow(value);
    const { subgraphs = {}, groups = [], notes = [] } = workflow;
    const clip = { nodes: nodesOf(workflow), subgraphs, groups, notes };
    return Object.keys(clip.nodes).length + groups.length + notes.length > 0 ? clip : null;
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

/** The upper left corner of all that a clip holds. */
export function cornerOf({ nodes, groups, notes }: Clip): Point {
  const all = [...Object.values(nodes), ...groups, ...notes].map(({ at }) => at ?? [0, 0]);
  return [Math.min(...all.map(([x]) => x)), Math.min(...all.map(([, y]) => y))];
}

/** A step that pastes, and what it adds: ids of nodes, places of groups and notes in the lists of the scope. */
export type Pasted = {
  readonly edit: Edit;
  readonly ids: readonly string[];
  readonly groups: readonly number[];
  readonly notes: readonly number[];
  /** How many nodes are left out. */
  readonly refused: number;
};

/**
 * Add copies of what a clip holds, moved by `offset`. A subgraph that the document has already is shared, another one of the same
 * id comes under a new one. Instances that would put a subgraph into itself are left out.
 */
export function pasteClip(workflow: Workflow, path: ScopePath, clip: Clip, offset: Point, options: Pasting): Pasted {
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
    const copy = shifted(relinked(node, ids, keeps, offset), offset);
    return { op: "set", path: [...path, "nodes", ids.get(id) ?? id], value: copy as unknown as Json };
  });
  const frames = (["groups", "notes"] as const).flatMap((name): Patch[] => {
    const value = [...(scope[name] ?? []), ...clip[name].map((frame) => shifted(frame, offset))];
    return clip[name].length > 0 ? [{ op: "set", path: [...path, name], value: value as Json }] : [];
  });
  const edit = {
    label: { key: options.key, count: nodes.length + clip.groups.length + clip.notes.length },
    patches: [...(nodes.length > 0 ? [...patches, ...nodes] : []), ...frames],
  };
  const added = (name: "groups" | "notes") => clip[name].map((_, index) => (scope[name]?.length ?? 0) + index);
  return {
    edit,
    ids: [...ids.values()],
    groups: added("groups"),
    notes: added("notes"),
    refused: all.length - fitting.length,
  };
}

function shifted<T extends { readonly at?: Point }>(item: T, [dx, dy]: Point): T {
  const [x, y] = item.at ?? [0, 0];
  return { ...item, at: [Math.round(x + dx), Math.round(y + dy)] };
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
