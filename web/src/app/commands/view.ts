/** Commands that move the view, and the search-to-add. */

import { faceOf } from "../../canvas/faces";
import { boundsWith } from "../../canvas/grouping";
import { type Scene, sceneOf } from "../../canvas/scene";
import { fitting, freeSize, MAX_ZOOM, MIN_ZOOM, toGraph, type Viewport } from "../../canvas/window";
import { shapeOfLinks } from "../../editor/look";
import type { Point } from "../../graph/document";
import { localRuns } from "../../run/local";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

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

function openSearch({ editor }: Workplace): void {
  const { pointer, viewport, size } = editor.view.getState();
  const inside = (value: number, most: number) => value >= 0 && value <= most;
  const local: Point = [pointer[0] * viewport.zoom + viewport.x, pointer[1] * viewport.zoom + viewport.y];
  const seen = inside(local[0], size[0]) && inside(local[1], size[1]);
  const at = seen ? pointer : toGraph(viewport, [size[0] / 2, size[1] / 2]);
  const canvas = document.querySelector(".graph")?.getBoundingClientRect();
  const screen: Point = [
    at[0] * viewport.zoom + viewport.x + (canvas?.left ?? 0),
    at[1] * viewport.zoom + viewport.y + (canvas?.top ?? 0),
  ];
  editor.view.setState({ search: { at, screen, link: null } });
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
