/** The lines of links: where they run, how far a point is from them, and what cuts them. Pure. */
import type { Point } from "../graph/document";
import { angledSegments, PARTS, STUB, stretch } from "./angled";
import type { Segment } from "./segment";

export type Rect = { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number };
export type Line = {
  readonly from: Point;
  readonly to: Point;
  readonly via: readonly Point[];
  /** How it runs; curved when nothing is said. */
  readonly shape?: LineShape;
};
export type LineShape = "curved" | "straight" | "angled";

const SAMPLES = 24;

/** How far the control points of a link stand off its ends. */
export function bend(from: Point, to: Point): number {
  const dx = to[0] - from[0];
  const dy = Math.abs(to[1] - from[1]);
  if (dx >= 0) return Math.min(Math.max(dx / 2, Math.min(dy / 2, 40)), 160);
  return Math.min(60 + -dx / 4, 180);
}

/** A link's segments: one for each piece between its points, or several when it is angled. It leaves and enters nodes level, and passes its points smoothly. */
export function segmentsOf({ from, to, via, shape }: Line): readonly Segment[] {
  if (shape === "straight") return straightSegments([from, ...via, to]);
  if (shape === "angled") return angledSegments([from, ...via, to]);
  if (via.length === 0) {
    const b = bend(from, to);
    return [[from, [from[0] + b, from[1]], [to[0] - b, to[1]], to]];
  }
  const points = [from, ...via, to];
  return points.slice(1).map((end, index): Segment => {
    const start = points[index] ?? from;
    const length = Math.hypot(end[0] - start[0], end[1] - start[1]);
    const out = tangent(points, index);
    const into = tangent(points, index + 1);
    const arm = Math.min(length / 2.6, 120);
    return [
      start,
      [start[0] + out[0] * arm, start[1] + out[1] * arm],
      [end[0] - into[0] * arm, end[1] - into[1] * arm],
      end,
    ];
  });
}

function straightSegments(points: readonly Point[]): readonly Segment[] {
  return points.slice(1).map((end, index) => stretch(points[index] ?? end, end));
}

/** The direction in which a link passes one of its points, of length 1. */
function tangent(points: readonly Point[], index: number): Point {
  const before = points[index - 1];
  const after = points[index + 1];
  if (!before || !after) return [1, 0];
  const [dx, dy] = [after[0] - before[0], after[1] - before[1]];
  const length = Math.hypot(dx, dy);
  return length === 0 ? [1, 0] : [dx / length, dy / length];
}

/** The line as the path of an SVG. */
export function linePath(line: Line): string {
  const pieces = segmentsOf(line).map(
    ([, one, two, end]) => `C${one[0]} ${one[1]} ${two[0]} ${two[1]} ${end[0]} ${end[1]}`,
  );
  return `M${line.from[0]} ${line.from[1]}${pieces.join("")}`;
}

function pointAt([a, b, c, d]: Segment, t: number): Point {
  const s = 1 - t;
  const w = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t] as const;
  return [w[0] * a[0] + w[1] * b[0] + w[2] * c[0] + w[3] * d[0], w[0] * a[1] + w[1] * b[1] + w[2] * c[1] + w[3] * d[1]];
}

/** A rectangle around the line. */
export function lineRect(line: Line): Rect {
  const { from, to, via, shape } = line;
  // Asked of every link in every frame: the common case makes nothing but its answer.
  const b = via.length > 0 ? 0 : shape === "angled" ? STUB : bend(from, to);
  let x0 = Math.min(from[0], to[0] - b);
  let x1 = Math.max(to[0], from[0] + b);
  let y0 = Math.min(from[1], to[1]);
  let y1 = Math.max(from[1], to[1]);
  if (via.length === 0) return { x0, y0, x1, y1 };
  for (const segment of segmentsOf(line))
    for (const [x, y] of segment) {
      x0 = Math.min(x0, x);
      y0 = Math.min(y0, y);
      x1 = Math.max(x1, x);
      y1 = Math.max(y1, y);
    }
  return { x0, y0, x1, y1 };
}

/** How far a point is from the line, and from which of its pieces. */
export function lineDistance(line: Line, point: Point): { readonly distance: number; readonly segment: number } {
  let best = { distance: Number.POSITIVE_INFINITY, segment: 0 };
  const parts = line.shape === "angled" ? PARTS : 1;
  for (const [index, segment] of segmentsOf(line).entries())
    for (const [a, b] of stretches(segment)) {
      const distance = stretchDistance(a, b, point);
      if (distance < best.distance) best = { distance, segment: Math.floor(index / parts) };
    }
  return best;
}

/** Whether a stroke of straight stretches crosses the line. */
export function isCut(line: Line, stroke: readonly Point[]): boolean {
  for (const segment of segmentsOf(line))
    for (const [a, b] of stretches(segment))
      for (const [index, end] of stroke.slice(1).entries()) {
        const start = stroke[index];
        if (start && crosses(a, b, start, end)) return true;
      }
  return false;
}

function* stretches(segment: Segment): Generator<readonly [Point, Point]> {
  let last = segment[0];
  for (let index = 1; index <= SAMPLES; index += 1) {
    const next = pointAt(segment, index / SAMPLES);
    yield [last, next];
    last = next;
  }
}

function stretchDistance(a: Point, b: Point, p: Point): number {
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(Math.max(((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length, 0), 1);
  return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

function crosses(a: Point, b: Point, c: Point, d: Point): boolean {
  const side = (p: Point, q: Point, r: Point) => (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

export function overlaps(one: Rect, other: Rect): boolean {
  return one.x0 <= other.x1 && other.x0 <= one.x1 && one.y0 <= other.y1 && other.y0 <= one.y1;
}

export function contains(rect: Rect, [x, y]: Point): boolean {
  return x >= rect.x0 && x <= rect.x1 && y >= rect.y0 && y <= rect.y1;
}

/** The rectangle around all of them, or null around none. */
export function unionOf(rects: readonly Rect[]): Rect | null {
  if (rects.length === 0) return null;
  return {
    x0: Math.min(...rects.map((rect) => rect.x0)),
    y0: Math.min(...rects.map((rect) => rect.y0)),
    x1: Math.max(...rects.map((rect) => rect.x1)),
    y1: Math.max(...rects.map((rect) => rect.y1)),
  };
}

/** The rectangle between two of its corners. */
export function rectBetween(one: Point, other: Point): Rect {
  return {
    x0: Math.min(one[0], other[0]),
    y0: Math.min(one[1], other[1]),
    x1: Math.max(one[0], other[0]),
    y1: Math.max(one[1], other[1]),
  };
}
