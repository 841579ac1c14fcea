/**
 * What a user does to a document, each as a named list of patches. Pure: an edit is made from the document as it is,
 * and performed by whoever holds the history.
 */
import type { Definitions, NodeDefinition } from "./catalogue";
import { type Clip, relinked } from "./clipboard";
import { bestInput, bestOutput, type InputEnd, type OutputEnd, refuseLink } from "./connect";
import {
  type Group,
  inputsOf,
  isLink,
  type Json,
  linksOf,
  type Mode,
  type NodeInstance,
  type Note,
  nodesOf,
  type Point,
  type Scope,
  type ScopePath,
  scopeAt,
  type Workflow,
} from "./document";
import type { Edit } from "./history";
import { applyPatches, type Patch } from "./patch";

const NO_CHANGE = { label: { key: "nothing" }, patches: [] } as const satisfies Edit;

/** A fresh id for a node of a type: `denoise`, `denoise_2`, ... It has no slash and never looks like an array index. */
export function freshId(taken: { has(id: string): boolean }, type: string): string {
  const word = type.slice(type.lastIndexOf("/") + 1).replaceAll(/[^\p{L}\p{N}_-]/gu, "_") || "node";
  const base = /^\d+$/.test(word) ? `node_${word}` : word;
  let id = base;
  for (let count = 2; taken.has(id); count += 1) id = `${base}_${count}`;
  return id;
}

function takenIds(scope: Scope): { has(id: string): boolean } {
  return { has: (id) => Object.hasOwn(nodesOf(scope), id) };
}

/** Add a node. Knobs stay at their defaults, unwritten, so that a better default of a later version applies. */
export function addNode(
  workflow: Workflow,
  path: ScopePath,
  definition: NodeDefinition,
  at: Point,
): { edit: Edit; id: string } {
  const id = freshId(takenIds(scopeAt(workflow, path)), definition.id);
  const isSubgraph = definition.category === "subgraphs";
  const node = {
    type: definition.id,
    ...(isSubgraph ? {} : { version: definition.version }),
    at: rounded(at),
    inputs: {},
  };
  const edit: Edit = {
    label: { key: "add", name: definition.title },
    patches: [{ op: "set", path: [...path, "nodes", id], value: node }],
  };
  return { edit, id };
}

/** Add a node at the other end of a link that was let go over nothing; its first socket that fits is linked. */
export function addConnected(
  workflow: Workflow,
  path: ScopePath,
  definitions: Definitions,
  definition: NodeDefinition,
  at: Point,
  open: { from: OutputEnd } | { to: InputEnd },
): { edit: Edit; id: string } {
  const { edit, id } = addNode(workflow, path, definition, at);
  const { document } = applyPatches(workflow, edit.patches);
  const scope = scopeAt(document, path);
  const pair =
    "from" in open
      ? { from: open.from, to: { node: id, input: bestInput(scope, definitions, open.from, id) ?? "" } }
      : { from: { node: id, output: bestOutput(scope, definitions, open.to, id) ?? "" }, to: open.to };
  const link = connect(document, path, definitions, pair.from, pair.to);
  return { edit: { ...edit, patches: [...edit.patches, ...link.patches] }, id };
}

export function removeNodes(workflow: Workflow, path: ScopePath, ids: ReadonlySet<string>): Edit {
  const scope = scopeAt(workflow, path);
  const there = [...ids].filter((id) => Object.hasOwn(nodesOf(scope), id));
  if (there.length === 0) return NO_CHANGE;
  const patches: Patch[] = [];
  for (const { node, input, link } of linksOf(scope))
    if (ids.has(link.link[0]) && !ids.has(node))
      patches.push({ op: "remove", path: [...path, "nodes", node, "inputs", input] });
  for (const side of ["inputs", "outputs"] as const)
    for (const [name, exposed] of Object.entries(scope[side] ?? {}))
      if (ids.has(exposed.node)) patches.push({ op: "remove", path: [...path, side, name] });
  for (const id of there) patches.push({ op: "remove", path: [...path, "nodes", id] });
  return { label: { key: "remove", count: there.length }, patches };
}

export function moveNodes(workflow: Workflow, path: ScopePath, places: ReadonlyMap<string, Point>): Edit {
  const nodes = nodesOf(scopeAt(workflow, path));
  const patches: Patch[] = [];
  for (const [id, place] of places) {
    const at = rounded(place);
    const old = nodes[id]?.at;
    if (nodes[id] && (old?.[0] !== at[0] || old[1] !== at[1]))
      patches.push({ op: "set", path: [...path, "nodes", id, "at"], value: at });
  }
  return { label: { key: "move", count: patches.length }, patches };
}

/** Set a knob; undefined puts it back to its default. Changes of one knob in quick succession are one step. */
export function setInput(workflow: Workflow, path: ScopePath, end: InputEnd, value: Json | undefined): Edit {
  const node = nodesOf(scopeAt(workflow, path))[end.node];
  if (!node || inputsOf(node)[end.input] === value) return NO_CHANGE;
  const place = [...path, "nodes", end.node, "inputs", end.input];
  const patch: Patch = value === undefined ? { op: "remove", path: place } : { op: "set", path: place, value };
  return { label: { key: "set", name: end.input }, patches: [patch], merge: place.join("/") };
}

/** Link an output to an input; what stood in the input before is replaced. A refused link changes nothing. */
export function connect(
  workflow: Workflow,
  path: ScopePath,
  definitions: Definitions,
  from: OutputEnd,
  to: InputEnd,
): Edit {
  if (refuseLink(scopeAt(workflow, path), definitions, from, to)) return NO_CHANGE;
  const value = { link: [from.node, from.output] };
  return {
    label: { key: "connect", name: to.input },
    patches: [{ op: "set", path: [...path, "nodes", to.node, "inputs", to.input], value }],
  };
}

/** Cut links; an input that is not linked is left alone. */
export function disconnect(workflow: Workflow, path: ScopePath, ends: readonly InputEnd[]): Edit {
  const nodes = nodesOf(scopeAt(workflow, path));
  const patches: Patch[] = [];
  for (const end of ends) {
    const node = nodes[end.node];
    if (node && isLink(inputsOf(node)[end.input]))
      patches.push({ op: "remove", path: [...path, "nodes", end.node, "inputs", end.input] });
  }
  return { label: { key: "disconnect", count: patches.length }, patches };
}

/** Put a node into a link: the link's source goes into it, and it goes on to where the link led. */
export function insertOnLink(
  workflow: Workflow,
  path: ScopePath,
  definitions: Definitions,
  link: InputEnd,
  node: string,
): Edit {
  const scope = scopeAt(workflow, path);
  const value = inputsOf(nodesOf(scope)[link.node] ?? { type: "" })[link.input];
  const instance = nodesOf(scope)[node];
  const definition = instance && definitions(instance.type);
  if (!isLink(value) || !definition || !instance || node === link.node) return NO_CHANGE;
  const from = { node: value.link[0], output: value.link[1] };
  const free = definition.inputs.filter((socket) => !isLink(inputsOf(instance)[socket.name]));
  const input = free.find((socket) => refuseLink(scope, definitions, from, { node, input: socket.name }) === null);
  const output = definition.outputs.find(
    (socket) => refuseLink(scope, definitions, { node, output: socket.name }, link) === null,
  );
  if (!input || !output) return NO_CHANGE;
  const first = connect(workflow, path, definitions, from, { node, input: input.name });
  const second = connect(workflow, path, definitions, { node, output: output.name }, link);
  return { label: { key: "insert", name: definition.title }, patches: [...first.patches, ...second.patches] };
}

/** Add copies of nodes. `offset` moves them; links that lead out of the clip are kept where their node exists. */
export function pasteNodes(
  workflow: Workflow,
  path: ScopePath,
  clip: Clip,
  offset: Point,
  options: { keepLinks: boolean; key: string },
): { edit: Edit; ids: string[] } {
  const scope = scopeAt(workflow, path);
  const ids = new Map<string, string>();
  const used = new Set(Object.keys(nodesOf(scope)));
  for (const [id, node] of Object.entries(clip.nodes)) {
    const copy = freshId(used, node.type);
    used.add(copy);
    ids.set(id, copy);
  }
  const keeps = (node: string) => options.keepLinks && Object.hasOwn(nodesOf(scope), node);
  const patches = Object.entries(clip.nodes).map(([id, node]): Patch => {
    const at = node.at ?? [0, 0];
    const copy = { ...relinked(node, ids, keeps), at: rounded([at[0] + offset[0], at[1] + offset[1]]) };
    return { op: "set", path: [...path, "nodes", ids.get(id) ?? id], value: copy };
  });
  return { edit: { label: { key: options.key, count: patches.length }, patches }, ids: [...ids.values()] };
}

type NodeField = "title" | "mode" | "collapsed" | "advanced" | "color" | "size" | "seeds";

/** Set a field of nodes; undefined takes it away. */
export function setField(
  workflow: Workflow,
  path: ScopePath,
  ids: Iterable<string>,
  field: NodeField,
  value: Json | undefined,
): Edit {
  const nodes = nodesOf(scopeAt(workflow, path));
  const patches: Patch[] = [];
  for (const id of ids) {
    const node: NodeInstance | undefined = nodes[id];
    if (!node || node[field] === value) continue;
    const place = [...path, "nodes", id, field];
    patches.push(value === undefined ? { op: "remove", path: place } : { op: "set", path: place, value });
  }
  return { label: { key: field, count: patches.length }, patches };
}

/** Switch nodes between running and `mode`: when all are in it already, they run again. */
export function toggleMode(workflow: Workflow, path: ScopePath, ids: ReadonlySet<string>, mode: Mode): Edit {
  const nodes = nodesOf(scopeAt(workflow, path));
  const all = [...ids].every((id) => nodes[id]?.mode === mode);
  return {
    ...setField(workflow, path, ids, "mode", all ? undefined : mode),
    label: { key: all ? "run_again" : mode, count: ids.size },
  };
}

export function setTitle(path: ScopePath, title: string): Edit {
  return {
    label: { key: "rename_workflow" },
    patches: [{ op: "set", path: [...path, "title"], value: title }],
    merge: "title",
  };
}

/** Groups and notes are lists in the document; a change writes the whole list, which is short. */
export function setGroups(groups: readonly Group[], key: string): Edit {
  return {
    label: { key },
    patches: [{ op: "set", path: ["groups"], value: groups }],
    ...(key === "edit_group" ? { merge: "groups" } : {}),
  };
}

export function setNotes(notes: readonly Note[], key: string): Edit {
  return {
    label: { key },
    patches: [{ op: "set", path: ["notes"], value: notes }],
    ...(key === "edit_note" ? { merge: "notes" } : {}),
  };
}

/** Show an input of a node as an input of the whole, under a free name, or hide it again. */
export function toggleExposed(workflow: Workflow, path: ScopePath, end: InputEnd): Edit {
  const scope = scopeAt(workflow, path);
  const entries = Object.entries(scope.inputs ?? {});
  const known = entries.find(([, exposed]) => exposed.node === end.node && exposed.input === end.input);
  if (known)
    return {
      label: { key: "hide_input", name: end.input },
      patches: [{ op: "remove", path: [...path, "inputs", known[0]] }],
    };
  const name = freshId(new Map(entries), end.input);
  return {
    label: { key: "expose_input", name: end.input },
    patches: [{ op: "set", path: [...path, "inputs", name], value: { node: end.node, input: end.input } }],
  };
}

/** Whether an input's seed is drawn anew for each run. */
export function drawsSeed(node: NodeInstance, input: string): boolean {
  return node.seeds?.[input] === "random";
}

/** Draw the seeds that are to be new for each run. */
export function drawSeeds(workflow: Workflow, path: ScopePath, draw: () => number): Edit {
  const edits: Edit[] = [];
  for (const [id, node] of Object.entries(nodesOf(scopeAt(workflow, path))))
    for (const input of Object.keys(node.seeds ?? {}))
      if (drawsSeed(node, input) && !isLink(inputsOf(node)[input]))
        edits.push(setInput(workflow, path, { node: id, input }, draw()));
  return together("seed", edits);
}

/** Several edits as one step. */
export function together(key: string, edits: readonly Edit[], name?: string): Edit {
  return { label: { key, ...(name === undefined ? {} : { name }) }, patches: edits.flatMap((edit) => edit.patches) };
}

function rounded(point: Point): Point {
  return [Math.round(point[0]), Math.round(point[1])];
}
