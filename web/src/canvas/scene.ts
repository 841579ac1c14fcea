/** The graph as rectangles and curves: what is drawn on the canvas, hit by the pointer, and fitted into the view. Pure. */
import type { Definitions, NodeDefinition } from "../graph/catalogue";
import { findOutput, type InputEnd } from "../graph/connect";
import { type Link, linksOf, type Mode, nodesOf, type Point, type Scope } from "../graph/document";
import { type Reroute, viaOf } from "../graph/reroutes";
import { contains, type LineShape, lineDistance, lineRect, overlaps, type Rect } from "./curves";
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
  readonly pinned: boolean;
};

export type Curve = {
  readonly end: InputEnd;
  readonly from: Point;
  readonly to: Point;
  readonly type: string;
  readonly source: string;
  readonly output: string;
  /** Points that it passes. */
  readonly via: readonly Point[];
  readonly shape: LineShape;
  readonly faint: boolean;
};

export type Scene = { readonly boxes: ReadonlyMap<string, Box>; readonly curves: readonly Curve[] };

/** Everything of a scope, placed. Linear in the graph; shapes of unchanged nodes are kept. */
export function sceneOf(
  scope: Scope,
  definitions: Definitions,
  faces: (id: string) => Face,
  drag: ReadonlyMap<string, Point> | null,
  shape: LineShape = "curved",
): Scene {
  const boxes = new Map<string, Box>();
  for (const [id, node] of Object.entries(nodesOf(scope))) {
    const definition = definitionOf(scope, definitions, id);
    const [x, y] = placeOf(node, id, drag);
    const outline = shapeOf(node, definition, faces(id) ?? PLAIN_FACE);
    boxes.set(id, {
      id,
      x,
      y,
      shape: outline,
      definition,
      title: node.title || definition.title,
      mode: node.mode ?? "run",
      color: node.color,
      pinned: node.pinned === true,
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
      output,
      via: viaNow(scope, drag, { node, input }, link),
      faint,
      shape,
    });
  }
  return { boxes, curves };
}

/** Under which name a point of a link is found among what is dragged; no node's id holds a control character. */
export function rerouteKey({ end, index }: Reroute): string {
  return `via\u0000${end.node}\u0000${end.input}\u0000${index}`;
}

/** The points of a link as they are drawn: dragged by themselves, or along with both of its ends. */
function viaNow(scope: Scope, drag: ReadonlyMap<string, Point> | null, end: InputEnd, link: Link): readonly Point[] {
  const via = viaOf(link);
  if (!drag || via.length === 0) return via;
  const at = nodesOf(scope)[end.node]?.at;
  const to = drag.has(link.link[0]) ? drag.get(end.node) : undefined;
  const [dx, dy] = at && to ? [to[0] - at[0], to[1] - at[1]] : [0, 0];
  return via.map(([x, y], index) => drag.get(rerouteKey({ end, index })) ?? [x + dx, y + dy]);
}

export function inputPoint(box: Box, name: string): Point {
  return [box.x, box.y + (box.shape.inputs.get(name) ?? box.shape.height / 2)];
}

export function outputPoint(box: Box, name: string): Point {
  return [box.x + box.shape.width, box.y + (box.shape.outputs.get(name) ?? box.shape.height / 2)];
}

/** The link nearest to a point within `reach`, the last drawn first; or undefined. */
export function curveAt(scene: Scene, point: Point, reach: number): Curve | undefined {
  return hitCurve(scene.curves, point, reach)?.curve;
}

/** The link nearest to a point within `reach`, and which of its pieces is. */
export function hitCurve(
  curves: readonly Curve[],
  point: Point,
  reach: number,
): { readonly curve: Curve; readonly segment: number } | undefined {
  let best: { curve: Curve; segment: number } | undefined;
  let nearest = reach;
  for (const curve of curves) {
    const rect = lineRect(curve);
    if (
      point[0] < rect.x0 - reach ||
      point[0] > rect.x1 + reach ||
      point[1] < rect.y0 - reach ||
      point[1] > rect.y1 + reach
    )
      continue;
    const { distance, segment } = lineDistance(curve, point);
    if (distance <= nearest) {
      nearest = distance;
      best = { curve, segment };
    }
  }
  return best;
}

/** The point of a link that is nearest to a point within `reach`. */
export function rerouteAt(scene: Scene, point: Point, reach: number): Reroute | undefined {
  let best: Reroute | undefined;
  let nearest = reach;
  for (const { end, via } of scene.curves)
    for (const [index, [x, y]] of via.entries()) {
      const distance = Math.hypot(x - point[0], y - point[1]);
      if (distance <= nearest) {
        nearest = distance;
        best = { end, index };
      }
    }
  return best;
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
