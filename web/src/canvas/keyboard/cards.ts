/**
 * What the keyboard stops at on the canvas, and where the view must be for it. A card is a node, a note or a group; all
 * of them together are one stop for Tab. Pure.
 */
import type { Definitions } from "../../graph/catalogue";
import { nodesOf, type Point, type Scope } from "../../graph/document";
import { graphOrder } from "../../graph/order";
import type { Rect } from "../curves";
import { GROUP_PREFIX } from "../frames";
import { idsOfFrames, rectsOf } from "../grouping";
import { definitionOf, PLAIN_FACE, placeOf, shapeOf } from "../shape";
import type { Viewport } from "../window";

/** Below this zoom the texts of a card are too small to read. */
const READABLE_ZOOM = 0.6;
/** Pixels of the view that stay free around a card. */
const AROUND = 24;
/** Pixels at the bottom of the view that the buttons for the zoom stand in. */
const BAR = 56;

const known = new WeakMap<Scope, readonly string[]>();

/** All cards of a scope: nodes in the order of the graph, then the notes, then the groups. */
export function cardsOf(scope: Scope): readonly string[] {
  const kept = known.get(scope);
  if (kept) return kept;
  const frames = idsOfFrames(scope);
  const isGroup = (id: string) => id.startsWith(GROUP_PREFIX);
  const cards = [...graphOrder(scope), ...frames.filter((id) => !isGroup(id)), ...frames.filter(isGroup)];
  known.set(scope, cards);
  return cards;
}

/** Where a card is, as far as the document says; null for none. */
export function rectOf(scope: Scope, definitions: Definitions, id: string): Rect | null {
  const node = nodesOf(scope)[id];
  if (!node) return rectsOf(scope, [id])[0] ?? null;
  const { width, height } = shapeOf(node, definitionOf(scope, definitions, id), PLAIN_FACE);
  const [x, y] = placeOf(node, id, null);
  return { x0: x, y0: y, x1: x + width, y1: y + height };
}

export function isReadable(zoom: number): boolean {
  return zoom >= READABLE_ZOOM;
}

/** The view with a rectangle in the middle, large enough to be read; of what is too large, its upper left corner. */
export function viewOn(rect: Rect, zoom: number, [width, height]: Point): Viewport {
  const at = isReadable(zoom) ? zoom : 1;
  const along = (low: number, high: number, room: number) =>
    (high - low) * at > room - 2 * AROUND ? AROUND - low * at : room / 2 - ((low + high) / 2) * at;
  return { x: along(rect.x0, rect.x1, width), y: along(rect.y0, rect.y1, height - BAR), zoom: at };
}

/** How far the view must move so that a box of the screen is in it, whole or with its upper left corner. */
export function moveInto(box: Rect, [width, height]: Point): Point {
  const along = (low: number, high: number, room: number) => {
    if (low < 0) return AROUND - low;
    return high <= room ? 0 : Math.max(room - AROUND - high, AROUND - low);
  };
  return [along(box.x0, box.x1, width), along(box.y0, box.y1, height - BAR)];
}
