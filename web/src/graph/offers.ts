/** The links that a node has, and those that it could have: what the keyboard chooses from. Pure. */
import type { Definitions, InputSocket, OutputSocket } from "./catalogue";
import { fits, type InputEnd, type OutputEnd } from "./connect";
import { inputsOf, isLink, linksOf, nodesOf, type Scope } from "./document";
import { graphOrder } from "./order";
import { reach } from "./scopes";

export type Pair = { readonly from: OutputEnd; readonly to: InputEnd };
/** A link that could be made, and the output whose link it would take the place of. */
export type Offer = Pair & { readonly type: string; readonly replaces: OutputEnd | null };

/** The links of a node, those into it first, each in the document's order. */
export function linksAt(scope: Scope, id: string): Pair[] {
  const all = [...linksOf(scope)].map(
    ({ node, input, link: { link } }): Pair => ({ from: { node: link[0], output: link[1] }, to: { node, input } }),
  );
  return [...all.filter(({ to }) => to.node === id), ...all.filter(({ from }) => from.node === id)];
}

/** Every link that could begin or end at a node, and that `refuseLink` allows; the likeliest first. */
export function linkOffers(scope: Scope, definitions: Definitions, id: string): Offer[] {
  const before = reach(scope, new Set([id]), "upstream");
  const after = reach(scope, new Set([id]), "downstream");
  const others = graphOrder(scope).filter((other) => other !== id);
  // A link against the stream would close a circle.
  const pairs = [
    ...others.filter((other) => !before.has(other)).flatMap((other) => pairsOf(scope, definitions, id, other)),
    ...others.filter((other) => !after.has(other)).flatMap((other) => pairsOf(scope, definitions, other, id)),
  ];
  const offers = pairs.flatMap((pair) => offerOf(scope, pair) ?? []);
  return offers.sort((one, other) => one.cost - other.cost).map(({ offer }) => offer);
}

type Sockets = Pair & { readonly output: OutputSocket; readonly input: InputSocket };

/** All outputs of a node with all inputs of another. */
function pairsOf(scope: Scope, definitions: Definitions, source: string, node: string): Sockets[] {
  const nodes = nodesOf(scope);
  const outputs = definitions(nodes[source]?.type ?? "")?.outputs ?? [];
  const inputs = definitions(nodes[node]?.type ?? "")?.inputs ?? [];
  return outputs.flatMap((output) =>
    inputs.map((input) => ({
      from: { node: source, output: output.name },
      to: { node, input: input.name },
      output,
      input,
    })),
  );
}

/** The offer of a pair that fits, and how far down the list it stands; null for the link that is there. */
function offerOf(scope: Scope, { from, to, output, input }: Sockets) {
  if (!fits(output.type, input.type)) return null;
  const value = inputsOf(nodesOf(scope)[to.node] ?? { type: "" })[to.input];
  const replaces = isLink(value) ? { node: value.link[0], output: value.link[1] } : null;
  if (replaces?.node === from.node && replaces.output === from.output) return null;
  const offer: Offer = { from, to, type: output.type, replaces };
  return { offer, cost: costOf(input, output.type, replaces !== null) };
}

/** A free wire that must be linked comes first, then other wires, then knobs; what has a link already comes last. */
function costOf(input: InputSocket, type: string, isTaken: boolean): number {
  const isExact = type === input.type && type !== "any";
  return (isTaken ? 8 : 0) + (input.wire ? 0 : 4) + (isExact ? 0 : 2) + (input.required ? 0 : 1);
}
