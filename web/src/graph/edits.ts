/**
 * What a user does to a document, each as a named list of patches. Pure: an edit is made from the document as it is,
 * and performed by whoever holds the history.
 */
import type { Definitions, NodeDefinition } from "./catalogue";
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
  type ScopePath,
  scopeAt,
  type Workflow,
} from "./document";
import type { Edit } from "./history";
import { freshId, takenIds } from "./ids";
import { applyPatches, type Patch } from "./patch";
import { shiftedVia, viaOf, withVia } from "./reroutes";
import { scopesOf } from "./scopes";

const NO_CHANGE = { label: { key: "nothing" }, patches: [] } as const satisfies Edit;

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
  open: { from: OutputEnd; via?: readonly Point[] } | { to: InputEnd },
): { edit: Edit; id: string } {
  const { edit, id } = addNode(workflow, path, definition, at);
  const { document } = applyPatches(workflow, edit.patches);
  const scope = scopeAt(document, path);
  const pair =
    "from" in open
      ? { from: open.from, to: { node: id, input: bestInput(scope, definitions, open.from, id) ?? "" } }
      : { from: { node: id, output: bestOutput(scope, definitions, open.to, id) ?? "" }, to: open.to };
  const link = connect(document, path, definitions, pair.from, pair.to, "from" in open ? open.via : []);
  return { edit: { ...edit, patches: [...edit.patches, ...link.patches] }, id };
}

export function moveNodes(workflow: Workflow, path: ScopePath, places: ReadonlyMap<string, Point>): Edit {
  const scope = scopeAt(workflow, path);
  const nodes = nodesOf(scope);
  const patches: Patch[] = [];
  for (const [id, place] of places) {
    const at = rounded(place);
    const old = nodes[id]?.at;
    if (nodes[id] && (old?.[0] !== at[0] || old[1] !== at[1]))
      patches.push({ op: "set", path: [...path, "nodes", id, "at"], value: at });
  }
  const count = patches.length;
  for (const { node, input, link } of linksOf(scope)) {
    const [dx, dy] = shiftOf(nodes[node], places.has(link.link[0]) ? places.get(node) : undefined);
    if (viaOf(link).length > 0 && (dx !== 0 || dy !== 0))
      patches.push({ op: "set", path: [...path, "nodes", node, "inputs", input], value: shiftedVia(link, dx, dy) });
  }
  return { label: { key: "move", count }, patches };
}

/** How far a node moves to a place. */
function shiftOf(node: NodeInstance | undefined, place: Point | undefined): Point {
  if (!node?.at || !place) return [0, 0];
  const [x, y] = rounded(place);
  return [x - node.at[0], y - node.at[1]];
}

/** Set a knob; undefined puts it back to its default. Changes of one knob in quick succession are one step. */
export function setInput(workflow: Workflow, path: ScopePath, end: InputEnd, value: Json | undefined): Edit {
  const node = nodesOf(scopeAt(workflow, path))[end.node];
  if (!node || inputsOf(node)[end.input] === value) return NO_CHANGE;
  const place = [...path, "nodes", end.node, "inputs", end.input];
  const patch: Patch = value === undefined ? { op: "remove", path: place } : { op: "set", path: place, value };
  return { label: { key: "set", name: end.input }, patches: [patch], merge: place.join("/") };
}

/** Link an output to an input, past the points `via`; what stood there before is replaced, a refused link changes nothing. */
export function connect(
  workflow: Workflow,
  path: ScopePath,
  definitions: Definitions,
  from: OutputEnd,
  to: InputEnd,
  via: readonly Point[] = [],
): Edit {
  if (refuseLink(scopeAt(workflow, path), definitions, from, to)) return NO_CHANGE;
  const value = withVia({ link: [from.node, from.output] }, via);
  return {
    label: { key: "connect", name: to.input },
    patches: [{ op: "set", path: [...path, "nodes", to.node, "inputs", to.input], value }],
  };
}

/** Add a node in a link. */
export function addOnLink(
  workflow: Workflow,
  path: ScopePath,
  definitions: Definitions,
  definition: NodeDefinition,
  at: Point,
  link: InputEnd,
): { edit: Edit; id: string } {
  const { edit, id } = addNode(workflow, path, definition, at);
  const { document } = applyPatches(workflow, edit.patches);
  const inserted = insertOnLink(document, path, definitions, link, id);
  return { edit: { ...edit, patches: [...edit.patches, ...inserted.patches] }, id };
}

/** Put a node into a link: its source goes into the node, which goes on to where it led; points stay on their sides. */
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
  const via = viaOf(value);
  const before = via.filter(([x]) => x < (instance.at?.[0] ?? 0));
  const first = connect(workflow, path, definitions, from, { node, input: input.name }, before);
  const after = via.slice(before.length);
  const second = connect(workflow, path, definitions, { node, output: output.name }, link, after);
  return { label: { key: "insert", name: definition.title }, patches: [...first.patches, ...second.patches] };
}

type NodeField = "title" | "mode" | "collapsed" | "advanced" | "color" | "size" | "seeds" | "heights" | "pinned";

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

/** Make a text area so high, or as high as its text for undefined. A drag is one step. */
export function setHeight(workflow: Workflow, path: ScopePath, end: InputEnd, height: number | undefined): Edit {
  const node = nodesOf(scopeAt(workflow, path))[end.node];
  if (!node) return NO_CHANGE;
  const { [end.input]: _, ...others } = node.heights ?? {};
  const heights = height === undefined ? others : { ...others, [end.input]: height };
  const value = Object.keys(heights).length > 0 ? heights : undefined;
  return { ...setField(workflow, path, [end.node], "heights", value), merge: `${end.node}/heights/${end.input}` };
}

/** Let a seed change with each run, or keep it. */
export function setSeedMode(workflow: Workflow, path: ScopePath, end: InputEnd, mode: SeedMode): Edit {
  const node = nodesOf(scopeAt(workflow, path))[end.node];
  if (!node || seedMode(node, end.input) === mode) return NO_CHANGE;
  const { [end.input]: _, ...others } = node.seeds ?? {};
  const seeds = mode === "fixed" ? others : { ...others, [end.input]: mode };
  return setField(workflow, path, [end.node], "seeds", Object.keys(seeds).length > 0 ? seeds : undefined);
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

/** Put another document in the place of this one, the `version` that is saved. */
export function replaceAll(workflow: Workflow, version: number): Edit {
  return {
    label: { key: "take_theirs", count: version },
    patches: [{ op: "set", path: [], value: workflow as unknown as Json }],
  };
}

/** Groups and notes are lists in their scope; a change writes the whole list, which is short. */
export function setGroups(path: ScopePath, groups: readonly Group[], key: string): Edit {
  return {
    label: { key },
    patches: [{ op: "set", path: [...path, "groups"], value: groups }],
    ...(key === "edit_group" ? { merge: `${path.join("/")}/groups` } : {}),
  };
}

export function setNotes(path: ScopePath, notes: readonly Note[], key: string): Edit {
  return {
    label: { key },
    patches: [{ op: "set", path: [...path, "notes"], value: notes }],
    ...(key === "edit_note" ? { merge: `${path.join("/")}/notes` } : {}),
  };
}

/** How a seed changes with each run. */
export type SeedMode = "fixed" | "random" | "increment" | "decrement";
const CHANGING: readonly unknown[] = ["random", "increment", "decrement"];

export function seedMode(node: NodeInstance, input: string): SeedMode {
  const mode = node.seeds?.[input];
  return CHANGING.includes(mode) ? (mode as SeedMode) : "fixed";
}

type ChangingSeed = InputEnd & { readonly path: ScopePath; readonly mode: SeedMode; readonly seed: Json | undefined };

function* changingSeeds(workflow: Workflow): Generator<ChangingSeed> {
  for (const { path, scope } of scopesOf(workflow))
    for (const [id, node] of Object.entries(nodesOf(scope)))
      for (const input of Object.keys(node.seeds ?? {})) {
        const [mode, seed] = [seedMode(node, input), inputsOf(node)[input]];
        if (mode !== "fixed" && !isLink(seed)) yield { path, node: id, input, mode, seed };
      }
}

/** Put the next seed wherever one changes with each run, in subgraphs too. */
export function drawSeeds(workflow: Workflow, next: (mode: SeedMode, seed: Json | undefined) => number): Edit {
  const seeds = [...changingSeeds(workflow)];
  return together(
    "seed",
    seeds.map(({ path, mode, seed, ...end }) => setInput(workflow, path, end, next(mode, seed))),
  );
}

/** Put in the seeds that a run was given: drawn for the document as it was then, which may have changed meanwhile. */
export function takeSeeds(workflow: Workflow, given: Workflow): Edit {
  const edits = [...changingSeeds(workflow)].flatMap(({ path, seed, mode: _, ...end }) => {
    const drawn = nodesOf(scopeAt(given, path))[end.node]?.inputs?.[end.input];
    return drawn === undefined || drawn === seed || isLink(drawn) ? [] : [setInput(workflow, path, end, drawn)];
  });
  return together("seed", edits);
}

/** Several edits as one step. */
export function together(key: string, edits: readonly Edit[], name?: string): Edit {
  return { label: { key, ...(name === undefined ? {} : { name }) }, patches: edits.flatMap((edit) => edit.patches) };
}

function rounded(point: Point): Point {
  return [Math.round(point[0]), Math.round(point[1])];
}
