/** Links that run level and upright only, with rounded corners. Pure. */
import type { Point } from "../graph/document";
import type { Segment } from "./segment";

/** How far a link leads straight out of a node, and into one, before it turns. */
export const STUB = 20;
/** Largest radius of a corner. */
const CORNER = 8;
/** Segments of each piece, between two points of the link: five stretches, with a corner between two of them. */
export const PARTS = 9;

/** The segments of a link through points, `PARTS` for each piece; some have no length. */
export function angledSegments(points: readonly Point[]): readonly Segment[] {
  return points
    .slice(1)
    .flatMap((end, index) => rounded(turns(points[index] ?? end, end, index === 0, index === points.length - 2)));
}

/** A straight segment. */
export function stretch(from: Point, to: Point): Segment {
  return [from, between(from, to, 1 / 3), between(from, to, 2 / 3), to];
}

/** The six points of a piece, of which it leaves the first and enters the last from the left when these are ports. */
function turns(from: Point, to: Point, leaves: boolean, enters: boolean): readonly Point[] {
  const least = leaves ? from[0] + STUB : Number.NEGATIVE_INFINITY;
  const most = enters ? to[0] - STUB : Number.POSITIVE_INFINITY;
  if (least <= most) {
    const x = Math.min(Math.max((from[0] + to[0]) / 2, least), most);
    return [from, from, [x, from[1]], [x, to[1]], to, to];
  }
  // Back to the left: between the two nodes, at half the height.
  const y = (from[1] + to[1]) / 2;
  return [from, [least, from[1]], [least, y], [most, y], [most, to[1]], to];
}

function rounded(points: readonly Point[]): readonly Segment[] {
  const segments: Segment[] = [];
  let at = points[0] ?? [0, 0];
  for (let index = 1; index < points.length - 1; index += 1) {
    const [before = at, corner = at, after = at] = points.slice(index - 1, index + 2);
    const [back, on] = [distance(corner, before), distance(corner, after)];
    const radius = Math.min(CORNER, back / 2, on / 2);
    const begin = radius === 0 ? corner : between(corner, before, radius / back);
    const end = radius === 0 ? corner : between(corner, after, radius / on);
    segments.push(stretch(at, begin), [begin, corner, corner, end]);
    at = end;
  }
  return [...segments, stretch(at, points.at(-1) ?? at)];
}

function between(from: Point, to: Point, part: number): Point {
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
}

function distance(one: Point, other: Point): number {
  return Math.hypot(other[0] - one[0], other[1] - one[1]);
}
