/** Aligning and spacing boxes. Pure: boxes in, new places out; what does not move is not in them. */
import type { Point } from "./document";

export type Placed = {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};
export type Edge = "left" | "center" | "right" | "top" | "middle" | "bottom";
export type Axis = "x" | "y";

const GAP = 36;

/** Places that put one edge, or the middle, of all boxes on one line: the outermost edge, or the middle of all. */
export function align(boxes: readonly Placed[], edge: Edge): Map<string, Point> {
  const axis = edge === "left" || edge === "center" || edge === "right" ? "x" : "y";
  const share = edge === "left" || edge === "top" ? 0 : edge === "center" || edge === "middle" ? 0.5 : 1;
  const [low, high] = span(boxes, axis);
  const line = low + (high - low) * share;
  return changed(boxes, (box) => line - sizeOf(box, axis) * share, axis);
}

/** Places that leave equal gaps between the first and the last box; where there is no room for gaps, it is made. */
export function distribute(boxes: readonly Placed[], axis: Axis): Map<string, Point> {
  if (boxes.length < 3) return new Map();
  const sorted = inOrder(boxes, axis);
  const [low, high] = span(boxes, axis);
  const room = high - low - sorted.reduce((sum, box) => sum + sizeOf(box, axis), 0);
  return lineUp(sorted, axis, low, room < 0 ? GAP : room / (sorted.length - 1));
}

/** Places one after the other with even gaps, and with their beginnings on one line. */
export function inLine(boxes: readonly Placed[], axis: Axis): Map<string, Point> {
  const other = axis === "x" ? "y" : "x";
  const [start] = span(boxes, axis);
  const [line] = span(boxes, other);
  const along = lineUp(inOrder(boxes, axis), axis, start, GAP);
  return combined(boxes, (box) => {
    const at = along.get(box.id)?.[axis === "x" ? 0 : 1] ?? box[axis];
    return axis === "x" ? [at, line] : [line, at];
  });
}

/** Places in rows of about equal width, read as they stood: by rows, then from the left. */
export function inGrid(boxes: readonly Placed[]): Map<string, Point> {
  const columns = Math.ceil(Math.sqrt(boxes.length));
  const [left] = span(boxes, "x");
  const [top] = span(boxes, "y");
  const sorted = inOrder(boxes, "y");
  const rows: Placed[][] = [];
  for (let at = 0; at < sorted.length; at += columns) rows.push(inOrder(sorted.slice(at, at + columns), "x"));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => row[column]?.width ?? 0)),
  );
  const places = new Map<string, Point>();
  let y = top;
  for (const row of rows) {
    let x = left;
    for (const [column, box] of row.entries()) {
      places.set(box.id, [x, y]);
      x += (widths[column] ?? 0) + GAP;
    }
    y += Math.max(...row.map((box) => box.height)) + GAP;
  }
  return combined(boxes, (box) => places.get(box.id) ?? [box.x, box.y]);
}

function sizeOf(box: Placed, axis: Axis): number {
  return axis === "x" ? box.width : box.height;
}

function span(boxes: readonly Placed[], axis: Axis): [low: number, high: number] {
  return [Math.min(...boxes.map((box) => box[axis])), Math.max(...boxes.map((box) => box[axis] + sizeOf(box, axis)))];
}

function inOrder(boxes: readonly Placed[], axis: Axis): Placed[] {
  return [...boxes].sort((one, two) => one[axis] - two[axis]);
}

function lineUp(sorted: readonly Placed[], axis: Axis, start: number, gap: number): Map<string, Point> {
  const places = new Map<string, number>();
  let at = start;
  for (const box of sorted) {
    places.set(box.id, at);
    at += sizeOf(box, axis) + gap;
  }
  return changed(sorted, (box) => places.get(box.id) ?? box[axis], axis);
}

function changed(boxes: readonly Placed[], at: (box: Placed) => number, axis: Axis): Map<string, Point> {
  return combined(boxes, (box) => (axis === "x" ? [at(box), box.y] : [box.x, at(box)]));
}

/** Rounded places of the boxes that move. */
function combined(boxes: readonly Placed[], placeOf: (box: Placed) => Point): Map<string, Point> {
  const places = new Map<string, Point>();
  for (const box of boxes) {
    const [x, y] = placeOf(box).map(Math.round) as [number, number];
    if (x !== box.x || y !== box.y) places.set(box.id, [x, y]);
  }
  return places;
}
