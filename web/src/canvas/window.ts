/** Which part of the graph is mounted, and where the view goes. Pure. */
import type { Point } from "../graph/document";
import { overlaps, type Rect } from "./curves";
import { type Box, boxRect, type Scene } from "./scene";

export type Viewport = { readonly x: number; readonly y: number; readonly zoom: number };

/** Below this zoom nodes are drawn on the canvas, and none is mounted. */
export const FAR_ZOOM = 0.4;
export const MIN_ZOOM = 0.05;
export const MAX_ZOOM = 3;
/** Pixels around the view that are mounted in advance; fewer when zoomed out, where they hold more nodes. */
const MARGIN = 250;
/** Most nodes that are mounted; a view that holds more is drawn as from far away. */
export const MOST_MOUNTED = 120;

/** The visible part of the graph, in its own coordinates. */
export function viewRect(viewport: Viewport, size: Point, margin = 0): Rect {
  const { x, y, zoom } = viewport;
  return {
    x0: (-x - margin) / zoom,
    y0: (-y - margin) / zoom,
    x1: (size[0] - x + margin) / zoom,
    y1: (size[1] - y + margin) / zoom,
  };
}

/** The part that is mounted: as it was while the view stays inside, cut anew when it leaves; null from far away. */
export function cutFor(viewport: Viewport, size: Point, before: Rect | null): Rect | null {
  if (viewport.zoom < FAR_ZOOM) return null;
  const view = viewRect(viewport, size);
  const inside = before && view.x0 >= before.x0 && view.y0 >= before.y0 && view.x1 <= before.x1 && view.y1 <= before.y1;
  const fresh = viewRect(viewport, size, MARGIN * Math.min(viewport.zoom, 1));
  // Measured by what a fresh cut would be: beside a narrow view the margin is most of it, and it must do all the same.
  const wide = before && before.x1 - before.x0 > (fresh.x1 - fresh.x0) * 1.8;
  return inside && !wide ? before : fresh;
}

/** The nodes to mount, `kept` ones wherever they are; null when all are to be painted instead. */
export function mountedBoxes(scene: Scene, cut: Rect | null, kept: ReadonlySet<string>): Box[] | null {
  if (cut === null) return null;
  const boxes = [...scene.boxes.values()].filter((box) => kept.has(box.id) || overlaps(boxRect(box), cut));
  return boxes.length > MOST_MOUNTED ? null : boxes;
}

/** The view that shows a rectangle whole, at most at `most` zoom. */
export function fitting(rect: Rect, size: Point, most = 1, padding = 64, least = MIN_ZOOM): Viewport {
  const width = Math.max(rect.x1 - rect.x0, 1);
  const height = Math.max(rect.y1 - rect.y0, 1);
  const zoom = Math.min(
    Math.max(Math.min((size[0] - 2 * padding) / width, (size[1] - 2 * padding) / height), least),
    most,
  );
  return { x: size[0] / 2 - ((rect.x0 + rect.x1) / 2) * zoom, y: size[1] / 2 - ((rect.y0 + rect.y1) / 2) * zoom, zoom };
}

/** Width that the panel of an open subgraph's sockets takes from the right of the view. */
const SOCKET_PANEL = 264;

/** The part of the view that nothing stands in front of, from its top left corner. */
export function freeSize([width, height]: Point, inSubgraph: boolean): Point {
  return [inSubgraph && width > 3 * SOCKET_PANEL ? width - SOCKET_PANEL : width, height];
}

/** A point of the screen (relative to the canvas) in the graph's coordinates. */
export function toGraph(viewport: Viewport, point: Point): Point {
  return [(point[0] - viewport.x) / viewport.zoom, (point[1] - viewport.y) / viewport.zoom];
}
