/** Lines that a dragged box falls in with: edges and middles of boxes near it. Pure. */
import type { Point } from "./document";

type Rect = { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number };

/** A line across the canvas, from one box to another: upright at `at` for `x`, level for `y`. */
export type Guide = { readonly axis: "x" | "y"; readonly at: number; readonly from: number; readonly to: number };

export type Snap = { readonly by: Point; readonly guides: readonly Guide[] };

type Fit = { readonly by: number; readonly at: number };

/** How far a box is to be moved so that it falls in with others within `reach`, and the lines that show it. */
export function snapTo(moved: Rect, others: readonly Rect[], reach: number): Snap {
  const x = nearest(marks(moved.x0, moved.x1), others, (rect) => marks(rect.x0, rect.x1), reach);
  const y = nearest(marks(moved.y0, moved.y1), others, (rect) => marks(rect.y0, rect.y1), reach);
  const by: Point = [x?.by ?? 0, y?.by ?? 0];
  const placed = { x0: moved.x0 + by[0], x1: moved.x1 + by[0], y0: moved.y0 + by[1], y1: moved.y1 + by[1] };
  const guides: Guide[] = [];
  if (x) guides.push(lineThrough("x", x.at, placed, others));
  if (y) guides.push(lineThrough("y", y.at, placed, others));
  return { by, guides };
}

function marks(low: number, high: number): readonly number[] {
  return [low, (low + high) / 2, high];
}

function nearest(
  own: readonly number[],
  others: readonly Rect[],
  marksOf: (rect: Rect) => readonly number[],
  reach: number,
): Fit | null {
  let best: Fit | null = null;
  for (const rect of others)
    for (const at of marksOf(rect))
      for (const mark of own) {
        const by = at - mark;
        // An edge that is hit exactly is worth a line, so the bound is met and not passed.
        if (Math.abs(by) <= reach && (best === null || Math.abs(by) < Math.abs(best.by))) best = { by, at };
      }
  return best;
}

/** The line from the first to the last box that has an edge or its middle there. */
function lineThrough(axis: "x" | "y", at: number, moved: Rect, others: readonly Rect[]): Guide {
  const across = (rect: Rect) => (axis === "x" ? marks(rect.x0, rect.x1) : marks(rect.y0, rect.y1));
  const along = (rect: Rect) => (axis === "x" ? [rect.y0, rect.y1] : [rect.x0, rect.x1]);
  const touched = [moved, ...others.filter((rect) => across(rect).some((mark) => Math.abs(mark - at) < 0.5))];
  const ends = touched.flatMap(along);
  return { axis, at, from: Math.min(...ends), to: Math.max(...ends) };
}
