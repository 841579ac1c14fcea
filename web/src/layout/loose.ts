/** Nodes that nothing links: no layer says where they belong, so they stand in a grid below the rest. Pure. */
import { inGrid, type Placed } from "../graph/arrange";
import type { Point } from "../graph/document";
import type { LayoutGraph } from "./elk";

/** Room between the rest and the grid. */
const GAP = 64;

/** The graph without its loose nodes, and their ids: linked to none of its nodes, and in no group. */
export function apart(graph: LayoutGraph): { readonly rest: LayoutGraph; readonly loose: ReadonlySet<string> } {
  const loose = new Set(graph.boxes.map(({ id }) => id));
  const inside = new Set(loose);
  for (const { source, node } of graph.links)
    if (inside.has(source) && inside.has(node)) for (const id of [source, node]) loose.delete(id);
  for (const id of graph.groups.flat()) loose.delete(id);
  return { rest: { ...graph, boxes: graph.boxes.filter(({ id }) => !loose.has(id)) }, loose };
}

/** Places of the rest, and those of the loose nodes below it; the grid begins at `origin` where there is no rest. */
export function withGrid(
  places: ReadonlyMap<string, Point>,
  boxes: readonly Placed[],
  loose: ReadonlySet<string>,
  origin: Point,
): Map<string, Point> {
  const list = boxes.filter(({ id }) => loose.has(id));
  if (list.length === 0) return new Map(places);
  const bottoms = boxes.flatMap(({ id, height }) => (places.get(id)?.[1] ?? Number.NEGATIVE_INFINITY) + height);
  const top = places.size === 0 ? origin[1] : Math.max(...bottoms) + GAP;
  const corner: Point = [Math.min(...list.map(({ x }) => x)), Math.min(...list.map(({ y }) => y))];
  const moved = inGrid(list);
  const grid = list.map(({ id, x, y }): [string, Point] => {
    const at = moved.get(id) ?? [x, y];
    return [id, [Math.round(at[0] - corner[0] + origin[0]), Math.round(at[1] - corner[1] + top)]];
  });
  return new Map([...places, ...grid]);
}
