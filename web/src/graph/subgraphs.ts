/** Making a subgraph from nodes, and taking one apart: what runs stays the same, only where it stands changes. */
import {
  type Exposed,
  exposuresOf,
  inputsOf,
  isLink,
  type Json,
  type Link,
  linksFrom,
  linksOf,
  type Mode,
  type NodeInstance,
  nodesOf,
  type Point,
  type Scope,
  type ScopePath,
  type Side,
  SUBGRAPH_PREFIX,
  scopeAt,
  type Target,
  targetsOf,
  type Workflow,
} from "./document";
import { setField } from "./edits";
import { retarget } from "./exposed";
import type { Edit } from "./history";
import { copyId, freshId, takenIds } from "./ids";
import type { Patch } from "./patch";
import { shiftedVia } from "./reroutes";
import { instancesOf, reach, subgraphOf, withoutUnused } from "./scopes";

/** A new subgraph's edit and its instance; or the nodes that lie between the chosen ones, which would close a circle. */
export type Made =
  | { readonly edit: Edit; readonly id: string; readonly between?: undefined }
  | { readonly edit?: undefined; readonly id?: undefined; readonly between: readonly string[] };

/** Put nodes into a new subgraph. Links over its border and what was exposed of the nodes become inputs and outputs. */
export function makeSubgraph(workflow: Workflow, path: ScopePath, chosen: ReadonlySet<string>, title: string): Made {
  const scope = scopeAt(workflow, path);
  const ids = new Set(Object.keys(nodesOf(scope)).filter((id) => chosen.has(id)));
  const before = reach(scope, ids, "upstream");
  const between = [...reach(scope, ids, "downstream")].filter((id) => before.has(id) && !ids.has(id));
  if (ids.size === 0 || between.length > 0) return { between };
  const subgraph = freshId(new Map(Object.entries(workflow.subgraphs ?? {})), "subgraph");
  const id = freshId(takenIds(scope), "subgraph");
  const border = new Border(id, scope);
  const inner = Object.fromEntries([...ids].map((name) => [name, border.take(name, nodesOf(scope)[name], ids)]));
  const outside = outsidePatches(workflow, path, ids, border);
  const instance = {
    type: SUBGRAPH_PREFIX + subgraph,
    at: middleOf(Object.values(inner)),
    inputs: border.given,
  };
  const definition = { title, inputs: border.inputs, outputs: border.outputs, nodes: inner };
  const patches: Patch[] = [
    { op: "set", path: ["subgraphs", subgraph], value: definition as unknown as Json },
    ...outside,
    ...[...ids].map((name): Patch => ({ op: "remove", path: [...path, "nodes", name] })),
    { op: "set", path: [...path, "nodes", id], value: instance },
  ];
  return { edit: { label: { key: "make_subgraph", count: ids.size }, patches }, id };
}

/** What passes the border of a new subgraph, each socket under one name. */
class Border {
  readonly inputs: Record<string, Exposed> = {};
  readonly outputs: Record<string, Exposed> = {};
  readonly given: Record<string, Json> = {};
  readonly #instance: string;
  readonly #names = new Map<string, string>();
  /** Inputs that are set from further outside, each by itself. */
  readonly #single: ReadonlySet<string>;

  constructor(instance: string, scope: Scope) {
    this.#instance = instance;
    const exposed = [...exposuresOf(scope)].filter((one) => one.side === "inputs");
    this.#single = new Set(exposed.map((one) => JSON.stringify([one.node, one.socket])));
  }

  /** A node as it stands inside: links that come from outside are given to the instance instead. */
  take(id: string, node: NodeInstance | undefined, ids: ReadonlySet<string>): NodeInstance {
    if (!node?.inputs) return node ?? { type: "" };
    const inputs: Record<string, Json> = {};
    for (const [name, value] of Object.entries(node.inputs))
      if (isLink(value) && !ids.has(value.link[0])) this.#give(id, name, value);
      else inputs[name] = value;
    return { ...node, inputs };
  }

  /** Let a link end at the instance; inputs inside that have the same one share it. */
  #give(node: string, input: string, value: Link): void {
    const isSingle = this.#single.has(JSON.stringify([node, input]));
    const [known] =
      Object.entries(this.given).find(([, other]) => JSON.stringify(other) === JSON.stringify(value)) ?? [];
    const shared = known === undefined || isSingle ? undefined : this.inputs[known];
    if (known === undefined || !shared || this.#isSingle(shared)) {
      this.given[this.input(node, input)] = value;
      return;
    }
    this.inputs[known] = { ...shared, also: [...(shared.also ?? []), [node, input]] };
    this.#names.set(JSON.stringify(["in", node, input]), known);
  }

  #isSingle(exposed: Exposed): boolean {
    return this.#single.has(JSON.stringify([exposed.node, exposed.input]));
  }

  input(node: string, input: string): string {
    return this.#name(this.inputs, "in", node, input, { node, input });
  }

  output(node: string, output: string): string {
    return this.#name(this.outputs, "out", node, output, { node, output });
  }

  /** A socket of a node that went inside, as it reads outside. */
  outside(side: Side, [node, socket]: Target): Target {
    return [this.#instance, side === "inputs" ? this.input(node, socket) : this.output(node, socket)];
  }

  #name(side: Record<string, Exposed>, kind: string, node: string, socket: string, exposed: Exposed): string {
    const key = JSON.stringify([kind, node, socket]);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = freshId(new Map(Object.entries(side)), socket);
    this.#names.set(key, name);
    side[name] = exposed;
    return name;
  }
}

/** Links and exposed names outside that meant nodes which went inside. */
function outsidePatches(workflow: Workflow, path: ScopePath, ids: ReadonlySet<string>, border: Border): Patch[] {
  const patches: Patch[] = [];
  for (const { node, input, link } of linksOf(scopeAt(workflow, path)))
    if (!ids.has(node) && ids.has(link.link[0])) {
      const place = [...path, "nodes", node, "inputs", input];
      patches.push({ op: "set", path: place, value: { ...link, link: border.outside("outputs", link.link) } });
    }
  const exposed = retarget(workflow, path, (side, target) => [
    ids.has(target[0]) ? border.outside(side, target) : target,
  ]);
  return [...patches, ...exposed];
}

/** Put the nodes of an instance's subgraph in its place, under fresh ids. */
export function unpackSubgraph(workflow: Workflow, path: ScopePath, id: string): { edit: Edit; ids: string[] } | null {
  const scope = scopeAt(workflow, path);
  const instance = nodesOf(scope)[id];
  const subgraph = workflow.subgraphs?.[subgraphOf(instance) ?? ""];
  if (!instance || !subgraph) return null;
  const names = namesOutside(scope, subgraph);
  const [mx, my] = middleOf(Object.values(nodesOf(subgraph)));
  const [x, y] = instance.at ?? [mx, my];
  const shift: Point = [x - mx, y - my];
  const patches: Patch[] = [];
  for (const [inner, node] of Object.entries(nodesOf(subgraph)))
    patches.push({
      op: "set",
      path: [...path, "nodes", names.get(inner) ?? inner],
      value: outsideNode(inner, node, { instance, subgraph, names, shift }) as unknown as Json,
    });
  patches.push(...borderPatches(workflow, path, id, names));
  patches.push({ op: "remove", path: [...path, "nodes", id] }, ...framePatches(scope, subgraph, path, shift));
  const edit = { label: { key: "unpack", count: names.size }, patches: withoutUnused(workflow, patches) };
  return { edit, ids: [...names.values()] };
}

/** The groups and notes of a subgraph beside those of the scope that its nodes come to. */
function framePatches(scope: Scope, subgraph: Scope, path: ScopePath, [dx, dy]: Point): Patch[] {
  return (["groups", "notes"] as const).flatMap((name): Patch[] => {
    const moved = (subgraph[name] ?? []).map((frame) => ({
      ...frame,
      at: [(frame.at?.[0] ?? 0) + dx, (frame.at?.[1] ?? 0) + dy],
    }));
    const value = [...(scope[name] ?? []), ...moved] as unknown as Json;
    return moved.length > 0 ? [{ op: "set", path: [...path, name], value }] : [];
  });
}

/** Ids for the nodes of a subgraph beside those of the scope that they come to. */
function namesOutside(scope: Scope, subgraph: Scope): Map<string, string> {
  const used = new Set(Object.keys(nodesOf(scope)));
  const names = new Map<string, string>();
  for (const inner of Object.keys(nodesOf(subgraph))) {
    const name = freshId(used, inner);
    used.add(name);
    names.set(inner, name);
  }
  return names;
}

type Unpacking = {
  readonly instance: NodeInstance;
  readonly subgraph: Scope;
  readonly names: ReadonlyMap<string, string>;
  readonly shift: Point;
};

/** A node of a subgraph as it stands outside: with what the instance gives it, and no less switched off. */
function outsideNode(id: string, node: NodeInstance, unpacking: Unpacking): NodeInstance {
  const { instance, shift } = unpacking;
  const inputs = { ...insideInputs(node, unpacking), ...givenInputs(id, unpacking) };
  const off: Mode = instance.mode ?? "run";
  const [dx, dy] = shift;
  return {
    ...node,
    ...(off === "run" || node.mode === "mute" ? {} : { mode: off }),
    ...(node.at && (dx !== 0 || dy !== 0) ? { at: [node.at[0] + dx, node.at[1] + dy] as const } : {}),
    ...(node.inputs || Object.keys(inputs).length > 0 ? { inputs } : {}),
  };
}

/** Constants, and links to nodes that come along; a link to nothing would mean another node out there, and is cut. */
function insideInputs(node: NodeInstance, { names, shift }: Unpacking): Record<string, Json> {
  const inputs: Record<string, Json> = {};
  for (const [name, value] of Object.entries(inputsOf(node))) {
    const source = isLink(value) ? names.get(value.link[0]) : undefined;
    if (!isLink(value)) inputs[name] = value;
    else if (source !== undefined) inputs[name] = shiftedVia({ ...value, link: [source, value.link[1]] }, ...shift);
  }
  return inputs;
}

/** What the instance gives to a node inside. */
function givenInputs(id: string, { instance, subgraph }: Unpacking): Record<string, Json> {
  const given: Record<string, Json> = {};
  for (const { side, name, node, socket } of exposuresOf(subgraph)) {
    const value = side === "inputs" && node === id ? inputsOf(instance)[name] : undefined;
    if (value !== undefined) given[socket] = value;
  }
  return given;
}

/** Links and exposed names that meant the instance, led to the nodes that they stood for; links to nothing are cut. */
function borderPatches(workflow: Workflow, path: ScopePath, id: string, names: ReadonlyMap<string, string>): Patch[] {
  const scope = scopeAt(workflow, path);
  const subgraph = workflow.subgraphs?.[subgraphOf(nodesOf(scope)[id]) ?? ""] ?? {};
  /** The sockets inside that one of the instance's stands for, under the names that their nodes get. */
  const inside = (side: Side, socket: string): Target[] => {
    const exposed = subgraph[side]?.[socket];
    return (exposed ? targetsOf(exposed, side) : []).flatMap(([node, inner]): Target[] => {
      const name = names.get(node);
      return name === undefined ? [] : [[name, inner]];
    });
  };
  const patches: Patch[] = [];
  for (const { node, input, link } of linksFrom(scope, id)) {
    const [source] = inside("outputs", link.link[1]);
    const place = [...path, "nodes", node, "inputs", input];
    if (node === id) continue;
    patches.push(source ? { op: "set", path: place, value: { ...link, link: source } } : { op: "remove", path: place });
  }
  const exposed = retarget(workflow, path, (side, target) => (target[0] === id ? inside(side, target[1]) : [target]));
  return [...patches, ...exposed];
}

/** Give an instance a definition of its own, a copy of the one that it shared. */
export function makeIndependent(workflow: Workflow, path: ScopePath, id: string): Edit {
  const shared = subgraphOf(nodesOf(scopeAt(workflow, path))[id]);
  const definition = workflow.subgraphs?.[shared ?? ""];
  const label = { key: "make_independent", name: definition?.title ?? "" };
  if (shared === undefined || !definition) return { label, patches: [] };
  const copy = copyId(new Map(Object.entries(workflow.subgraphs ?? {})), shared);
  return {
    label,
    patches: [
      { op: "set", path: ["subgraphs", copy], value: definition as unknown as Json },
      { op: "set", path: [...path, "nodes", id, "type"], value: SUBGRAPH_PREFIX + copy },
    ],
  };
}

/** Name a node. The only instance of a subgraph gives its name to the subgraph, one of several has it for itself. */
export function renameNode(workflow: Workflow, path: ScopePath, id: string, text: string): Edit {
  const node = nodesOf(scopeAt(workflow, path))[id];
  const title = text.trim();
  const subgraph = subgraphOf(node);
  const isOnly = subgraph !== undefined && [...instancesOf(workflow, subgraph)].length === 1;
  if (isOnly && node?.title === undefined && title !== "" && workflow.subgraphs?.[subgraph])
    return setSubgraphTitle(subgraph, title);
  return setField(workflow, path, [id], "title", title || undefined);
}

/** Name a subgraph, for all its instances. */
export function setSubgraphTitle(subgraph: string, title: string): Edit {
  const place = ["subgraphs", subgraph, "title"];
  return { label: { key: "rename_subgraph", name: title }, patches: [{ op: "set", path: place, value: title }] };
}

/** The middle of the places of nodes; an instance stands there, and its nodes around it when it is taken apart. */
function middleOf(nodes: readonly NodeInstance[]): Point {
  const places = nodes.map((node) => node.at).filter((at) => at !== undefined);
  if (places.length === 0) return [0, 0];
  const middle = (axis: 0 | 1) => {
    const values = places.map((at) => at[axis]);
    return Math.round((Math.min(...values) + Math.max(...values)) / 2);
  };
  return [middle(0), middle(1)];
}
