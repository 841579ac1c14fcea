/** Which links are allowed: a pure function from a connection to the reason against it. The server has the last word. */
import type { Definitions, InputSocket, OutputSocket } from "./catalogue";
import { inputsOf, isLink, nodesOf, type Scope } from "./document";

export type OutputEnd = { readonly node: string; readonly output: string };
export type InputEnd = { readonly node: string; readonly input: string };

/** Why a link is refused: a key into the table of texts, and the words that go into it. */
export type Refusal = {
  readonly code: "same_node" | "no_such_socket" | "type_mismatch" | "cycle" | "already_linked";
  readonly from?: string;
  readonly to?: string;
};

/** Pairs of types that fit although they differ; the same as the server's. */
const WIDENING = new Set(["int>float", "str>path"]);

/** Whether an output of one type may run into an input of the other. */
export function fits(output: string, input: string): boolean {
  return output === input || output === "any" || input === "any" || WIDENING.has(`${output}>${input}`);
}

export function findOutput(scope: Scope, definitions: Definitions, end: OutputEnd): OutputSocket | undefined {
  const node = nodesOf(scope)[end.node];
  return node && definitions(node.type)?.outputs.find((socket) => socket.name === end.output);
}

export function findInput(scope: Scope, definitions: Definitions, end: InputEnd): InputSocket | undefined {
  const node = nodesOf(scope)[end.node];
  return node && definitions(node.type)?.inputs.find((socket) => socket.name === end.input);
}

/** The reason why `from` cannot be linked to `to`, or null. */
export function refuseLink(scope: Scope, definitions: Definitions, from: OutputEnd, to: InputEnd): Refusal | null {
  if (from.node === to.node) return { code: "same_node" };
  const output = findOutput(scope, definitions, from);
  const input = findInput(scope, definitions, to);
  if (!output || !input) return { code: "no_such_socket" };
  if (!fits(output.type, input.type)) return { code: "type_mismatch", from: output.type, to: input.type };
  const current = inputsOf(nodesOf(scope)[to.node] ?? { type: "" })[to.input];
  if (isLink(current) && current.link[0] === from.node && current.link[1] === from.output)
    return { code: "already_linked" };
  if (isUpstream(scope, to.node, from.node)) return { code: "cycle" };
  return null;
}

/** Whether `ancestor` is reached by going from `node` against the links; iterative, for chains of any length. */
export function isUpstream(scope: Scope, ancestor: string, node: string): boolean {
  const seen = new Set<string>();
  const waiting = [node];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (id === ancestor) return true;
    const instance = nodesOf(scope)[id];
    if (seen.has(id) || !instance) continue;
    seen.add(id);
    for (const value of Object.values(inputsOf(instance))) if (isLink(value)) waiting.push(value.link[0]);
  }
  return false;
}

/** The input of a node that a dropped link means: the first that fits and is free, else the first that fits. */
export function bestInput(scope: Scope, definitions: Definitions, from: OutputEnd, node: string): string | undefined {
  const instance = nodesOf(scope)[node];
  const sockets = (instance && definitions(instance.type)?.inputs) ?? [];
  const open = sockets.filter((socket) => refuseLink(scope, definitions, from, { node, input: socket.name }) === null);
  const isFree = (socket: InputSocket) => instance !== undefined && !isLink(inputsOf(instance)[socket.name]);
  return (open.find((socket) => socket.wire && isFree(socket)) ?? open.find(isFree) ?? open[0])?.name;
}

/** The output of a node that a link dragged from an input means. */
export function bestOutput(scope: Scope, definitions: Definitions, to: InputEnd, node: string): string | undefined {
  const instance = nodesOf(scope)[node];
  const sockets = (instance && definitions(instance.type)?.outputs) ?? [];
  return sockets.find((socket) => refuseLink(scope, definitions, { node, output: socket.name }, to) === null)?.name;
}
