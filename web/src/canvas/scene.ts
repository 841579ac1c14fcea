/** The graph as rectangles and curves: what is drawn on the canvas, hit by the pointer, and fitted into the view. Pure. */
import type { Definitions, NodeDefinition } from "../graph/catalogue";
import { findOutput, type InputEnd } from "../graph/connect";
import { linksOf, type Mode, nodesOf, type Point, type Scope } from "../graph/document";
import { definitionOf, type Face, PLAIN_FACE, placeOf, type Shape, shapeOf } from "./shape";

export type Box = {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly shape: Shape;
  readonly title: string;
  readonly definition: NodeDefinition;
  readonly mode: Mode;
  readonly color: string | undefined;
};

export type Curve = {
  readonly end: InputEnd;
  readonly from: Point;
  readonly to: Point;
  readonly type: string;
  readonly source: string;
  readonly faint: boolean;
};

export type Rect = { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number };

export type Scene = { readonly boxes: ReadonlyMap<string, Box>; readonly curves: readonly Curve[] };

/** Everything of a scope, placed. Linear in the graph; shapes of unchanged nodes are kept. */
export function sceneOf(
  scope: Scope,
  definitions: Definitions,
  faces: (id: string) => Face,
  drag: ReadonlyMap<string, Point> | null,
): Scene {
  const boxes = new Map<string, Box>();
  for (const [id, node] of Object.entries(nodesOf(scope))) {
    const definition = definitionOf(scope, definitions, id);
    const [x, y] = placeOf(node, id, drag);
    const shape = shapeOf(node, definition, faces(id) ?? PLAIN_FACE);
    boxes.set(id, {
      id,
      x,
      y,
      shape,
      definition,
      title: node.title || definition.title,
      mode: node.mode ?? "run",
      color: node.color,
    });
  }
  const curves: Curve[] = [];
  for (const { node, input, link } of linksOf(scope)) {
    const [source, output] = link.link;
    const from = boxes.get(source);
    const to = boxes.get(node);
    if (!from || !to) continue;
    const type = findOutput(scope, definitions, { node: source, output })?.type ?? "any";
    const faint = from.mode !== "run" || to.mode !== "run";
    curves.push({
      end: { node, input },
      from: outputPoint(from, output),
      to: inputPoint(to, input),
      type,
      source,
      faint,
    });
  }
  return { boxes, curves };
}

export function inputPoint(box: Box, name: string): Point {
  return [box.x, box.y + (box.shape.inputs.get(name) ?? box.shape.height / 2)];
}

export function outputPoint(box: Box, name: string): Point {
  return [box.x + box.shape.width, box.y + (box.shape.outputs.get(name) ?? box.shape.height / 2)];
}

/** How far the control points of a link stand off its ends. */
export function bend(from: Point, to: Point): number {
  const dx = to[0] - from[0];
  const dy = Math.abs(to[1] - from[1]);
  if (dx >= 0) return Math.min(Math.max(dx / 2, Math.min(dy / 2, 40)), 160);
  return Math.min(60 + -dx / 4, 180);
}

export function curvePath(from: Point, to: Point): string {
  const b = bend(from, to);
  return `M${from[0]} ${from[1]}C${from[0] + b} ${from[1]} ${to[0] - b} ${to[1]} ${to[0]} ${to[1]}`;
}

function curvePoint(from: Point, to: Point, t: number): Point {
  const b = bend(from, to);
  const s = 1 - t;
  const w = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t] as const;
  const x = w[0] * from[0] + w[1] * (from[0] + b) + w[2] * (to[0] - b) + w[3] * to[0];
  const y = w[0] * from[1] + w[1] * from[1] + w[2] * to[1] + w[3] * to[1];
  return [x, y];
}

export function curveRect(curve: { readonly from: Point; readonly to: Point }): Rect {
  const b = bend(curve.from, curve.to);
  return {
    x0: Math.min(curve.from[0], curve.to[0] - b),
    x1: Math.max(curve.to[0], curve.from[0] + b),
    y0: Math.min(curve.from[1], curve.to[1]),
    y1: Math.max(curve.from[1], curve.to[1]),
  };
}

const SAMPLES = 24;

/** The link nearest to a point within `reach`, the last drawn first; or undefined. */
export function curveAt(scene: Scene, point: Point, reach: number): Curve | undefined {
  let best: Curve | undefined;
  let nearest = reach;
  for (const curve of scene.curves) {
    const rect = curveRect(curve);
    if (
      point[0] < rect.x0 - reach ||
      point[0] > rect.x1 + reach ||
      point[1] < rect.y0 - reach ||
      point[1] > rect.y1 + reach
    )
      continue;
    const distance = curveDistance(curve, point);
    if (distance <= nearest) {
      nearest = distance;
      best = curve;
    }
  }
  return best;
}

function curveDistance(curve: Curve, point: Point): number {
  let best = Number.POSITIVE_INFINITY;
  let last = curve.from;
  for (let index = 1; index <= SAMPLES; index += 1) {
    const next = curvePoint(curve.from, curve.to, index / SAMPLES);
    best = Math.min(best, segmentDistance(last, next, point));
    last = next;
  }
  return best;
}

function segmentDistance(a: Point, b: Point, p: Point): number {
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(Math.max(((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length, 0), 1);
  return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

/** The topmost node under a point. */
export function boxAt(scene: Scene, point: Point): Box | undefined {
  let found: Box | undefined;
  for (const box of scene.boxes.values()) if (contains(boxRect(box), point)) found = box;
  return found;
}

export function boxRect(box: Box): Rect {
  return { x0: box.x, y0: box.y, x1: box.x + box.shape.width, y1: box.y + box.shape.height };
}

export function contains(rect: Rect, point: Point): boolean {
  return point[0] >= rect.x0 && point[0] <= rect.x1 && point[1] >= rect.y0 && point[1] <= rect.y1;
}

export function overlaps(one: Rect, other: Rect): boolean {
  return one.x0 <= other.x1 && one.x1 >= other.x0 && one.y0 <= other.y1 && one.y1 >= other.y0;
}

/** The rectangle around some boxes, or null when there are none. */
export function boundsOf(boxes: Iterable<Box>): Rect | null {
  let bounds: Rect | null = null;
  for (const box of boxes) {
    const rect = boxRect(box);
    bounds = bounds
      ? {
          x0: Math.min(bounds.x0, rect.x0),
          y0: Math.min(bounds.y0, rect.y0),
          x1: Math.max(bounds.x1, rect.x1),
          y1: Math.max(bounds.y1, rect.y1),
        }
      : rect;
  }
  return bounds;
}

/** Ids of nodes that a rectangle touches. */
export function boxesIn(scene: Scene, rect: Rect): string[] {
  return [...scene.boxes.values()].filter((box) => overlaps(boxRect(box), rect)).map((box) => box.id);
}
