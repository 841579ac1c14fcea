/** Commands that move the view, and the search-to-add. */

import { overlaps, type Rect } from "../../canvas/curves";
import { faceOf } from "../../canvas/faces";
import { boundsWith } from "../../canvas/grouping";
import { currentCard } from "../../canvas/keyboard/focus";
import { boxRect, type Scene, sceneOf } from "../../canvas/scene";
import { DEFAULT_WIDTH, HEADER } from "../../canvas/shape";
import { fitting, freeSize, MAX_ZOOM, MIN_ZOOM, toGraph, type Viewport } from "../../canvas/window";
import { shapeOfLinks } from "../../editor/look";
import type { Connecting } from "../../editor/store";
import type { Point } from "../../graph/document";
import { localRuns } from "../../run/local";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

/** Between a node and a new one beside it, and the height that is kept free for that. */
const GAP = 48;
const ROOM = 160;

export const VIEW_COMMANDS: readonly Command[] = [
  command("search", "cmd.search", ["space", "tab"], openSearch),
  command("hand", "cmd.hand", ["h"], ({ editor }) => editor.view.setState({ hand: true })),
  command("select_tool", "cmd.select_tool", ["v"], ({ editor }) => editor.view.setState({ hand: false })),
  command("refresh", "cmd.refresh", ["r"], ({ connection }) => void connection.reload()),
  command("fit", "cmd.fit", ["."], (place) => fitView(place, false)),
  command("fit_selection", "cmd.fit_selection", ["f"], (place) => fitView(place, true)),
  command("zoom_in", "cmd.zoom_in", ["alt+=", "mod+="], (place) =>
    zoomTo(place, place.editor.view.getState().viewport.zoom * 1.25),
  ),
  command("zoom_out", "cmd.zoom_out", ["alt+-", "mod+-"], (place) =>
    zoomTo(place, place.editor.view.getState().viewport.zoom / 1.25),
  ),
  command("zoom_reset", "cmd.zoom_reset", ["mod+0"], (place) => zoomTo(place, 1)),
];

export function sceneNow({ editor, runner, look }: Pick<Workplace, "editor" | "runner" | "look">): Scene {
  const runs = localRuns(runner.run.getState().nodes, editor.trail);
  const shape = shapeOfLinks(look.getState().links);
  return sceneOf(editor.scope, editor.definitions, (id) => faceOf(runs.get(id)), null, shape);
}

function openSearch(place: Workplace): void {
  const { pointer, pointing, viewport, size } = place.editor.view.getState();
  const inside = (value: number, most: number) => value >= 0 && value <= most;
  const local: Point = [pointer[0] * viewport.zoom + viewport.x, pointer[1] * viewport.zoom + viewport.y];
  const seen = inside(local[0], size[0]) && inside(local[1], size[1]);
  if (pointing && seen) searchAt(place, pointer, null, false);
  else searchAt(place, placeForNew(place, "after"), null);
}

/** Open the search-to-add for a place, maybe with a link that the pick is to be connected to. */
export function searchAt({ editor }: Workplace, at: Point, link: Connecting | null, byKey = true): void {
  const { viewport } = editor.view.getState();
  const canvas = document.querySelector(".graph")?.getBoundingClientRect();
  const screen: Point = [
    at[0] * viewport.zoom + viewport.x + (canvas?.left ?? 0),
    at[1] * viewport.zoom + viewport.y + (canvas?.top ?? 0),
  ];
  editor.view.setState({ search: { at, screen, link, byKey } });
}

/** Where a node goes that no pointer shows a place for: beside the one that the keyboard is at, or into the middle. */
export function placeForNew(place: Workplace, side: "before" | "after"): Point {
  const { editor } = place;
  const { boxes } = sceneNow(place);
  const { viewport, size } = editor.view.getState();
  const beside = boxes.get(currentCard(editor) ?? "");
  const middle = toGraph(viewport, [size[0] / 2, size[1] / 2]);
  const right = beside && beside.x + beside.shape.width + GAP;
  const x = beside === undefined ? middle[0] - DEFAULT_WIDTH / 2 : side === "after" ? right : beside.x - GAP;
  const left = side === "after" ? (x ?? 0) : (x ?? 0) - DEFAULT_WIDTH;
  return [x ?? 0, freeBelow([...boxes.values()].map(boxRect), left, beside?.y ?? middle[1])];
}

/** From a place downwards, where a node of the usual width has room. */
function freeBelow(taken: readonly Rect[], x: number, from: number): number {
  let y = from;
  const inWay = () =>
    taken.find((rect) => overlaps(rect, { x0: x, y0: y - HEADER, x1: x + DEFAULT_WIDTH, y1: y + ROOM }));
  for (let rect = inWay(); rect; rect = inWay()) y = rect.y1 + GAP;
  return y;
}

export function fitView(place: Workplace, selected: boolean): void {
  const goal = fitted(place, selected);
  if (goal) place.editor.view.setState({ goal });
}

/** Show all of a document that was just opened, at once, so that no node is mounted for a view that is left again. */
export function jumpToAll(place: Workplace): void {
  const viewport = fitted(place, false);
  if (viewport) place.editor.view.setState({ viewport, goal: { ...viewport, jump: true } });
}

function fitted(place: Workplace, selected: boolean): Viewport | null {
  const { selection } = place.editor.document.getState();
  const bounds = boundsWith(sceneNow(place), place.editor.scope, selected && selection.size > 0 ? selection : null);
  return bounds && fitting(bounds, freeSize(place.editor.view.getState().size, place.editor.trail.length > 0));
}

function zoomTo({ editor }: Workplace, zoom: number): void {
  const { viewport, size } = editor.view.getState();
  const next = Math.min(Math.max(zoom, MIN_ZOOM), MAX_ZOOM);
  const middle: Point = [size[0] / 2, size[1] / 2];
  const at = toGraph(viewport, middle);
  editor.view.setState({ goal: { x: middle[0] - at[0] * next, y: middle[1] - at[1] * next, zoom: next } });
}
