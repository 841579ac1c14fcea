/** A tidy layout in columns: every node right of what feeds it. Pure; sizes come from whoever draws. */
import { linksOf, type Point, type Scope } from "./document";

const GAP_X = 72;
const GAP_Y = 28;

/** Places for the given nodes, in columns by their longest way from a source, rows ordered by what feeds them. */
export function layOut(
  scope: Scope,
  ids: readonly string[],
  sizeOf: (id: string) => Point,
  origin: Point,
): Map<string, Point> {
  const inside = new Set(ids);
  const feeds = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { node, link } of linksOf(scope))
    if (inside.has(node) && inside.has(link.link[0])) feeds.get(node)?.push(link.link[0]);
  const columns = columnsOf(ids, feeds);
  const middle = new Map<string, number>();
  const places = new Map<string, Point>();
  let x = origin[0];
  for (const column of columns) {
    const wanted = (id: string) => mean((feeds.get(id) ?? []).map((source) => middle.get(source) ?? 0));
    column.sort((one, other) => wanted(one) - wanted(other));
    const height = column.reduce((sum, id) => sum + sizeOf(id)[1] + GAP_Y, -GAP_Y);
    let y = -height / 2;
    for (const id of column) {
      places.set(id, [x, y]);
      middle.set(id, y + sizeOf(id)[1] / 2);
      y += sizeOf(id)[1] + GAP_Y;
    }
    x += Math.max(...column.map((id) => sizeOf(id)[0])) + GAP_X;
  }
  const top = [...places.values()].reduce((least, [, y]) => Math.min(least, y), 0);
  return new Map([...places].map(([id, [px, py]]) => [id, [px, py - top + origin[1]]]));
}

/** Nodes by the length of the longest chain that leads to them, in Kahn's order; cycles end up in the last column. */
function columnsOf(ids: readonly string[], feeds: ReadonlyMap<string, readonly string[]>): string[][] {
  const depth = new Map<string, number>();
  const missing = new Map(ids.map((id) => [id, new Set(feeds.get(id)).size]));
  const followers = new Map<string, Set<string>>();
  for (const [id, sources] of feeds)
    for (const source of sources) followers.set(source, (followers.get(source) ?? new Set()).add(id));
  const ready = ids.filter((id) => missing.get(id) === 0);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    depth.set(id, Math.max(-1, ...(feeds.get(id) ?? []).map((source) => depth.get(source) ?? 0)) + 1);
    for (const follower of followers.get(id) ?? []) {
      const left = (missing.get(follower) ?? 1) - 1;
      missing.set(follower, left);
      if (left === 0) ready.push(follower);
    }
  }
  const last = [...depth.values()].reduce((most, value) => Math.max(most, value), -1) + 1;
  const columns: string[][] = [];
  for (const id of ids) {
    const place = depth.get(id) ?? last;
    columns[place] ??= [];
    columns[place].push(id);
  }
  return columns.filter((column) => column !== undefined);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
