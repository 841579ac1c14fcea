/**
 * Points that a link passes on its way, native to it: `{"link": [node, output], "via": [[x, y], ...]}`. Only the editor
 * reads them. Links of one output that pass the same point share it: it is moved and taken away for all of them.
 */
import type { InputEnd } from "./connect";
import {
  inputsOf,
  isLink,
  type Json,
  type Link,
  linksOf,
  nodesOf,
  type Point,
  type Scope,
  type ScopePath,
  scopeAt,
  type Workflow,
} from "./document";
import type { Edit } from "./history";
import type { Patch } from "./patch";

/** A point of a link: the input that the link ends in, and which of its points. */
export type Reroute = { readonly end: InputEnd; readonly index: number };

const NONE: readonly Point[] = [];

/** The points of a link in order from its source; anything else that stands there is left alone and not drawn. */
export function viaOf(value: Json | undefined): readonly Point[] {
  const via = isLink(value) ? (value as { via?: Json }).via : undefined;
  if (!Array.isArray(via)) return NONE;
  const isPoint = (entry: Json) =>
    Array.isArray(entry) && entry.length === 2 && entry.every((part) => typeof part === "number");
  return via.every(isPoint) ? (via as unknown as readonly Point[]) : NONE;
}

/** A link with these points; without the field when there are none. */
export function withVia(link: Link, via: readonly Point[]): Link {
  const { via: _, ...rest } = link as Link & { via?: Json };
  return via.length === 0 ? rest : ({ ...rest, via } as Link);
}

/** The same value with the points of a link moved. */
export function shiftedVia(value: Json, dx: number, dy: number): Json {
  const via = viaOf(value);
  if (via.length === 0 || !isLink(value)) return value;
  return withVia(
    value,
    via.map(([x, y]) => [x + dx, y + dy] as const),
  );
}

function linkAt(scope: Scope, end: InputEnd): Link | undefined {
  const value = inputsOf(nodesOf(scope)[end.node] ?? { type: "" })[end.input];
  return isLink(value) ? value : undefined;
}

export function pointOf(scope: Scope, { end, index }: Reroute): Point | undefined {
  return viaOf(linkAt(scope, end))[index];
}

export const sameReroute = (one: Reroute, other: Reroute) =>
  one.index === other.index && one.end.node === other.end.node && one.end.input === other.end.input;

/** All points that lie where this one lies, on links of the same output; itself among them. */
export function sharing(scope: Scope, reroute: Reroute): Reroute[] {
  const link = linkAt(scope, reroute.end);
  const at = pointOf(scope, reroute);
  if (!link || !at) return [];
  const found: Reroute[] = [];
  for (const { node, input, link: other } of linksOf(scope)) {
    if (other.link[0] !== link.link[0] || other.link[1] !== link.link[1]) continue;
    for (const [index, [x, y]] of viaOf(other).entries())
      if (x === at[0] && y === at[1]) found.push({ end: { node, input }, index });
  }
  return found;
}

/** Put a point into a link, before its point `index`. */
export function addReroute(workflow: Workflow, path: ScopePath, end: InputEnd, index: number, at: Point): Edit {
  const link = linkAt(scopeAt(workflow, path), end);
  const label = { key: "add_reroute" };
  if (!link) return { label, patches: [] };
  const via = [...viaOf(link)];
  via.splice(index, 0, [Math.round(at[0]), Math.round(at[1])]);
  return { label, patches: [setVia(path, end, link, via)] };
}

/** Move points, with those that share their places. */
export function moveReroutes(
  workflow: Workflow,
  path: ScopePath,
  places: readonly { readonly reroute: Reroute; readonly at: Point }[],
): Edit {
  const scope = scopeAt(workflow, path);
  const moved = new Map<string, { end: InputEnd; via: Point[] }>();
  for (const { reroute, at } of places)
    for (const { end, index } of sharing(scope, reroute)) {
      const key = JSON.stringify([end.node, end.input]);
      const entry = moved.get(key) ?? { end, via: [...viaOf(linkAt(scope, end))] };
      entry.via[index] = [Math.round(at[0]), Math.round(at[1])];
      moved.set(key, entry);
    }
  const patches: Patch[] = [];
  for (const { end, via } of moved.values()) {
    const link = linkAt(scope, end);
    if (link && JSON.stringify(viaOf(link)) !== JSON.stringify(via)) patches.push(setVia(path, end, link, via));
  }
  return { label: { key: "move_reroute" }, patches };
}

/** Take points away, with those that share their places. */
export function removeReroutes(workflow: Workflow, path: ScopePath, reroutes: readonly Reroute[]): Edit {
  const scope = scopeAt(workflow, path);
  const gone = reroutes.flatMap((reroute) => sharing(scope, reroute));
  const patches: Patch[] = [];
  for (const { node, input, link } of linksOf(scope)) {
    const via = viaOf(link);
    const left = via.filter((_, index) => !gone.some((one) => sameReroute(one, { end: { node, input }, index })));
    if (left.length < via.length) patches.push(setVia(path, { node, input }, link, left));
  }
  return { label: { key: "remove_reroute", count: reroutes.length }, patches };
}

/** Take the points off the links between nodes that get new places: they led around what stood there before. */
export function straighten(workflow: Workflow, path: ScopePath, nodes: ReadonlyMap<string, unknown>): Edit {
  const patches: Patch[] = [];
  for (const { node, input, link } of linksOf(scopeAt(workflow, path)))
    if (viaOf(link).length > 0 && nodes.has(node) && nodes.has(link.link[0]))
      patches.push(setVia(path, { node, input }, link, []));
  return { label: { key: "remove_reroute" }, patches };
}

function setVia(path: ScopePath, end: InputEnd, link: Link, via: readonly Point[]): Patch {
  return { op: "set", path: [...path, "nodes", end.node, "inputs", end.input], value: withVia(link, via) };
}
