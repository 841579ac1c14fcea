/**
 * The workflow as the file holds it: plain JSON, read-only, with every unknown field kept where it stood.
 *
 * There is no second model to convert to and from: an edit copies the path that it changes and shares the rest, so
 * fields that this version does not know survive by construction, and the order of keys with them. (JavaScript itself
 * moves keys that look like array indexes to the front; no meaning depends on the order.)
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** The value of an input that comes from another node's output. */
export type Link = { readonly link: readonly [node: string, output: string] };

export type Point = readonly [x: number, y: number];
export type Mode = "run" | "mute" | "bypass";

export type NodeInstance = {
  readonly type: string;
  readonly version?: number;
  readonly title?: string;
  readonly at?: Point;
  readonly mode?: Mode;
  readonly inputs?: { readonly [name: string]: Json };
  /** Width and height on the canvas; the height grows with the content. The editor's own field, like those below. */
  readonly size?: Point;
  readonly collapsed?: boolean;
  /** Whether knobs that are marked advanced are shown. */
  readonly advanced?: boolean;
  readonly color?: string;
  /** Whether it stays where it is when nodes are moved. */
  readonly pinned?: boolean;
  /** Seeds that change with each run, by input: `random`, `increment` or `decrement`. */
  readonly seeds?: { readonly [input: string]: Json };
  /** Heights of text areas that were dragged larger or smaller, by input. */
  readonly heights?: { readonly [input: string]: Json };
};

export type Exposed = {
  readonly node: string;
  readonly input?: string;
  readonly output?: string;
  readonly title?: string;
  /** Further inputs of nodes that take the same value. */
  readonly also?: readonly Target[];
};
/** A socket of a node that an exposed name stands for. */
export type Target = readonly [node: string, socket: string];

export type Group = { readonly title?: string; readonly at?: Point; readonly size?: Point; readonly color?: string };
export type Note = { readonly text?: string; readonly at?: Point; readonly size?: Point; readonly color?: string };

/** What a workflow and a subgraph have in common: nodes, and what of them is seen from outside. */
export type Scope = {
  readonly title?: string;
  readonly inputs?: { readonly [name: string]: Exposed };
  readonly outputs?: { readonly [name: string]: Exposed };
  readonly nodes?: { readonly [id: string]: NodeInstance };
  readonly groups?: readonly Group[];
  readonly notes?: readonly Note[];
};

export type Workflow = Scope & {
  readonly kinegraph: 1;
  readonly subgraphs?: { readonly [id: string]: Scope };
};

/** Where edits happen: `[]` is the workflow itself, `["subgraphs", id]` the inside of a subgraph. */
export type ScopePath = readonly string[];

export const ROOT: ScopePath = [];
export const SUBGRAPH_PREFIX = "subgraph/";

export const EMPTY_WORKFLOW: Workflow = {
  kinegraph: 1,
  title: "",
  inputs: {},
  outputs: {},
  nodes: {},
  groups: [],
  notes: [],
  subgraphs: {},
};

const NOTHING = {} as const;

export function scopeAt(workflow: Workflow, path: ScopePath): Scope {
  return path.length === 0 ? workflow : (workflow.subgraphs?.[path[1] ?? ""] ?? NOTHING);
}

export function nodesOf(scope: Scope): { readonly [id: string]: NodeInstance } {
  return scope.nodes ?? NOTHING;
}

/** Whether there is nothing on any canvas of a workflow. */
export function isEmpty({ nodes = {}, groups = [], notes = [], subgraphs = {} }: Workflow): boolean {
  return [nodes, groups, notes, subgraphs].every((part) => Object.keys(part).length === 0);
}

export function inputsOf(node: NodeInstance): { readonly [name: string]: Json } {
  return node.inputs ?? NOTHING;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether an input's value is a link; what only resembles one is the server's to complain about. */
export function isLink(value: Json | undefined): value is Link {
  if (!isObject(value)) return false;
  const pair = value["link"];
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string" && typeof pair[1] === "string";
}

/** Every link into a scope's nodes, in the document's order. */
export function* linksOf(scope: Scope): Generator<{ node: string; input: string; link: Link }> {
  for (const [node, instance] of Object.entries(nodesOf(scope)))
    for (const [input, value] of Object.entries(inputsOf(instance)))
      if (isLink(value)) yield { node, input, link: value };
}

/** The links that come from a node, or from one of its outputs. */
export function linksFrom(scope: Scope, source: string, output?: string) {
  return [...linksOf(scope)].filter(
    ({ link }) => link.link[0] === source && (output === undefined || link.link[1] === output),
  );
}

export type Side = "inputs" | "outputs";
/** An exposed name of a scope, and one of the sockets that it stands for; the first is what describes it. */
export type Exposure = {
  readonly side: Side;
  readonly name: string;
  readonly node: string;
  readonly socket: string;
  readonly isFirst: boolean;
};

/** Every exposed name of a scope, once for each socket that it stands for. */
export function* exposuresOf(scope: Scope): Generator<Exposure> {
  for (const side of ["inputs", "outputs"] as const)
    for (const [name, exposed] of Object.entries(scope[side] ?? {}))
      for (const [index, [node, socket]] of targetsOf(exposed, side).entries())
        yield { side, name, node, socket, isFirst: index === 0 };
}

export function targetsOf(exposed: Exposed, side: Side): readonly Target[] {
  const first: Target = [exposed.node, (side === "inputs" ? exposed.input : exposed.output) ?? ""];
  return exposed.also ? [first, ...exposed.also] : [first];
}

/** An exposed name that stands for other sockets; null when there are none. */
export function withTargets(exposed: Exposed, side: Side, targets: readonly Target[]): Exposed | null {
  const [first, ...also] = targets;
  if (!first) return null;
  const { also: _, ...rest } = exposed;
  const [node, socket] = first;
  return { ...rest, node, [side === "inputs" ? "input" : "output"]: socket, ...(also.length > 0 ? { also } : {}) };
}

/** JSON pointer (RFC 6901) to a place in the document. */
export function pointer(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The parts of a JSON pointer. */
export function pointerParts(text: string): string[] {
  return text
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
