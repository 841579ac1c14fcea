/** Turning a node into one of another type, with all of it that the other can take. */
import type { Definitions, InputSocket, NodeDefinition } from "./catalogue";
import { findOutput, fits } from "./connect";
import {
  inputsOf,
  isLink,
  type Json,
  type Link,
  linksFrom,
  type NodeInstance,
  nodesOf,
  type Scope,
  type ScopePath,
  type Side,
  scopeAt,
  type Workflow,
} from "./document";
import { retarget } from "./exposed";
import type { Edit } from "./history";
import { refuseConstant } from "./limits";
import type { Patch } from "./patch";
import { withoutUnused } from "./scopes";

type Kept = {
  readonly inputs: { readonly [name: string]: Json };
  /** Outputs that are linked, by the output that takes their place. */
  readonly outputs: ReadonlyMap<string, string>;
};

/** What of a node another type can take: by name where that fits, else by type. */
function keptBy(scope: Scope, definitions: Definitions, id: string, next: NodeDefinition): Kept {
  const inputs: Record<string, Json> = {};
  const homeless: [type: string, value: Json][] = [];
  for (const [name, value] of Object.entries(inputsOf(nodesOf(scope)[id] ?? { type: "" }))) {
    const socket = next.inputs.find((entry) => entry.name === name);
    const type = isLink(value) ? typeOf(scope, definitions, value.link) : null;
    if (socket && takes(socket, value, type)) inputs[name] = value;
    else if (type !== null) homeless.push([type, value]);
  }
  for (const [type, value] of homeless) {
    const free = next.inputs.filter((socket) => inputs[socket.name] === undefined && fits(type, socket.type));
    const socket = free.find((entry) => entry.wire) ?? free[0];
    if (socket) inputs[socket.name] = value;
  }
  return { inputs, outputs: keptOutputs(scope, definitions, id, next) };
}

function keptOutputs(scope: Scope, definitions: Definitions, id: string, next: NodeDefinition): Map<string, string> {
  const outputs = new Map<string, string>();
  for (const { link } of linksFrom(scope, id)) {
    const [, output] = link.link;
    const fitting = next.outputs.filter((socket) => fits(socket.type, typeOf(scope, definitions, link.link)));
    const socket = fitting.find((entry) => entry.name === output) ?? fitting[0];
    if (socket) outputs.set(output, socket.name);
  }
  return outputs;
}

function typeOf(scope: Scope, definitions: Definitions, [node, output]: Link["link"]): string {
  return findOutput(scope, definitions, { node, output })?.type ?? "any";
}

function takes(socket: InputSocket, value: Json, type: string | null): boolean {
  return type === null ? !socket.wire && refuseConstant(socket, value) === null : fits(type, socket.type);
}

/** How much of a node a type would keep, for the order of what is offered; links outwards count twice, unless by `any`. */
export function replacementScore(scope: Scope, definitions: Definitions, id: string, next: NodeDefinition): number {
  const { inputs, outputs } = keptBy(scope, definitions, id, next);
  const takesAll = (name: string) => next.outputs.some((socket) => socket.name === name && socket.type === "any");
  const outwards = [...outputs.values()].reduce((sum, name) => sum + (takesAll(name) ? 1 : 2), 0);
  return Object.keys(inputs).length + outwards;
}

/** Make a node one of another type. Its id, place, title and look stay, and every link and value that fits. */
export function replaceNode(
  workflow: Workflow,
  path: ScopePath,
  definitions: Definitions,
  id: string,
  next: NodeDefinition,
): Edit {
  const scope = scopeAt(workflow, path);
  const node = nodesOf(scope)[id];
  const label = { key: "replace", name: next.title };
  if (!node || node.type === next.id) return { label, patches: [] };
  const kept = keptBy(scope, definitions, id, next);
  const patches: Patch[] = [
    { op: "set", path: [...path, "nodes", id], value: retyped(node, next, kept.inputs) as unknown as Json },
  ];
  for (const { node: to, input, link } of linksFrom(scope, id)) {
    const place = [...path, "nodes", to, "inputs", input];
    const output = kept.outputs.get(link.link[1]);
    if (output === undefined) patches.push({ op: "remove", path: place });
    else if (output !== link.link[1]) patches.push({ op: "set", path: place, value: { ...link, link: [id, output] } });
  }
  const has = (side: Side, socket: string) => next[side].some((entry) => entry.name === socket);
  patches.push(
    ...retarget(workflow, path, (side, target) => (target[0] === id && !has(side, target[1]) ? [] : [target])),
  );
  return { label, patches: withoutUnused(workflow, patches) };
}

function retyped(node: NodeInstance, next: NodeDefinition, inputs: Kept["inputs"]): NodeInstance {
  const { version: _, advanced: __, seeds, ...rest } = node;
  const kept = Object.entries(seeds ?? {}).filter(([name]) => name in inputs);
  return {
    ...rest,
    type: next.id,
    ...(next.category === "subgraphs" ? {} : { version: next.version }),
    inputs,
    ...(kept.length > 0 ? { seeds: Object.fromEntries(kept) } : {}),
  };
}
