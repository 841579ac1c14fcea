/** The order in which the keyboard and a screen reader walk through a scope: along the links, as one reads. Pure. */
import { linksOf, nodesOf, type Point, type Scope } from "./document";

export type Way = "next" | "previous" | "first" | "last" | "upstream" | "downstream";
export type Neighbors = { readonly from: readonly string[]; readonly to: readonly string[] };

const NOWHERE: Neighbors = { from: [], to: [] };
const knownNeighbors = new WeakMap<Scope, ReadonlyMap<string, Neighbors>>();
const knownOrders = new WeakMap<Scope, readonly string[]>();

/** For every node, the nodes that feed it and those that it feeds, each once. Kept as long as the scope. */
export function neighborsOf(scope: Scope): ReadonlyMap<string, Neighbors> {
  const kept = knownNeighbors.get(scope);
  if (kept) return kept;
  const sets = new Map(
    Object.keys(nodesOf(scope)).map((id) => [id, { from: new Set<string>(), to: new Set<string>() }]),
  );
  for (const { node, link } of linksOf(scope)) {
    const [source] = link.link;
    if (!sets.has(source)) continue;
    sets.get(node)?.from.add(source);
    sets.get(source)?.to.add(node);
  }
  const found = new Map([...sets].map(([id, { from, to }]) => [id, { from: [...from], to: [...to] }]));
  knownNeighbors.set(scope, found);
  return found;
}

/**
 * All nodes, each after those that feed it; where the links leave it open, the left one first, then the upper one
 * (Kahn's order with the place as the priority). What a circle holds back comes last. Kept as long as the scope.
 */
export function graphOrder(scope: Scope): readonly string[] {
  const kept = knownOrders.get(scope);
  if (kept) return kept;
  const nodes = nodesOf(scope);
  const neighbors = neighborsOf(scope);
  const placed = Object.keys(nodes).sort((one, other) => byPlace(nodes[one]?.at, nodes[other]?.at));
  const rank = new Map(placed.map((id, index) => [id, index]));
  const missing = new Map(placed.map((id) => [id, neighbors.get(id)?.from.length ?? 0]));
  // Ranks of the nodes that may come next, descending, so that the first of them is taken off the end.
  const ready = placed.flatMap((id, index) => (missing.get(id) === 0 ? [index] : [])).reverse();
  const order: string[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    const id = placed[next] as string;
    order.push(id);
    for (const fed of neighbors.get(id)?.to ?? []) {
      const left = (missing.get(fed) ?? 0) - 1;
      missing.set(fed, left);
      if (left === 0) insert(ready, rank.get(fed) ?? 0);
    }
  }
  const done = new Set(order);
  const all = [...order, ...placed.filter((id) => !done.has(id))];
  knownOrders.set(scope, all);
  return all;
}

/** Where a step leads from a place in a list of all that is walked through; null where there is nothing. */
export function stepFrom(
  scope: Scope,
  order: readonly string[],
  id: string | null,
  way: Way,
  came: string | null = null,
): string | null {
  const place = id === null ? -1 : order.indexOf(id);
  if (way === "last") return order.at(-1) ?? null;
  if (id === null || place < 0 || way === "first") return order[0] ?? null;
  if (way === "next" || way === "previous") return order[place + (way === "next" ? 1 : -1)] ?? null;
  return alongLink(scope, id, way, came);
}

function alongLink(scope: Scope, id: string, way: "upstream" | "downstream", came: string | null): string | null {
  const { from, to } = neighborsOf(scope).get(id) ?? NOWHERE;
  const there = way === "upstream" ? from : to;
  // There and back again: of several links, the one that one came along.
  return (came !== null && there.includes(came) ? came : there[0]) ?? null;
}

/** What is nearest to a place of the old list and still there: first what followed it, then what came before. */
export function nearestLeft(order: readonly string[], id: string, now: readonly string[]): string | null {
  const left = new Set(now);
  const place = order.indexOf(id);
  const after = order.slice(place + 1).find((other) => left.has(other));
  return after ?? order.slice(0, Math.max(place, 0)).findLast((other) => left.has(other)) ?? null;
}

function byPlace([x1, y1]: Point = [0, 0], [x2, y2]: Point = [0, 0]): number {
  return x1 - x2 || y1 - y2;
}

/** Put a number into a descending list. */
function insert(list: number[], value: number): void {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) > value) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, value);
}
