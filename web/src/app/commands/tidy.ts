/** The layout of a selection or of all: in layers by ELK, or plainly and at once. */

import { boxesInside, frameAround } from "../../canvas/grouping";
import { nodeIds } from "../../canvas/moving";
import { boundsOf, type Scene } from "../../canvas/scene";
import type { Placed } from "../../graph/arrange";
import { linksOf, type Point, type Scope, scopeAt } from "../../graph/document";
import * as edits from "../../graph/edits";
import { layOut } from "../../graph/layout";
import { straighten } from "../../graph/reroutes";
import { t } from "../../i18n";
import type { LayoutGraph } from "../../layout/elk";
import { apart, withGrid } from "../../layout/loose";
import type { Workplace } from "../workplace";
import { fitView, sceneNow } from "./view";

const NOWHERE: ReadonlyMap<string, Point> = new Map();

/** Lay out what has no place, at once and plainly. */
export function tidy(place: Workplace): void {
  const scene = sceneNow(place);
  const { ids, origin } = toTidy(place, scene);
  if (ids.length > 0) write(place, plainLayout(place, scene, ids, origin));
}

/** Lay out the selection, or all, in layers with few crossings; plainly where the browser cannot start the worker. */
export async function tidyWell(place: Workplace): Promise<void> {
  const { editor } = place;
  const scene = sceneNow(place);
  const before = editor.workflow;
  const { ids, origin } = toTidy(place, scene);
  if (ids.length === 0) return;
  const places = await layered(place, scene, ids, origin);
  // Somebody went on meanwhile: their places are newer.
  if (editor.workflow !== before) {
    place.tell(t("tell.tidy_late"));
    return;
  }
  write(place, places);
  if (ids.length === scene.boxes.size) fitView(place, false);
}

async function layered(place: Workplace, scene: Scene, ids: readonly string[], origin: Point) {
  const { rest, loose } = apart(graphOf(place, scene, ids));
  const linked = rest.boxes.length > 0 ? await inLayers(place, scene, rest, origin) : NOWHERE;
  return withGrid(linked, placedOf(scene, ids), loose, origin);
}

async function inLayers(place: Workplace, scene: Scene, graph: LayoutGraph, origin: Point) {
  try {
    const { layOutLayered } = await import("../../layout/worker");
    return await layOutLayered(graph, origin);
  } catch {
    place.tell(t("tell.tidy_plain"));
    return inColumns(
      place.editor.scope,
      scene,
      graph.boxes.map(({ id }) => id),
      origin,
    );
  }
}

function plainLayout(place: Workplace, scene: Scene, ids: readonly string[], origin: Point) {
  const { rest, loose } = apart(graphOf(place, scene, ids));
  const linked = rest.boxes.map(({ id }) => id);
  const columns = inColumns(place.editor.scope, scene, linked, origin);
  return withGrid(columns, placedOf(scene, ids), loose, origin);
}

const placedOf = (scene: Scene, ids: readonly string[]): Placed[] =>
  ids.flatMap((id) => {
    const box = scene.boxes.get(id);
    return box ? [{ id, x: box.x, y: box.y, width: box.shape.width, height: box.shape.height }] : [];
  });

function inColumns(scope: Scope, scene: Scene, ids: readonly string[], origin: Point) {
  const size = (id: string): Point => {
    const shape = scene.boxes.get(id)?.shape;
    return [shape?.width ?? 0, shape?.height ?? 0];
  };
  return layOut(scope, ids, size, origin);
}

function toTidy({ editor }: Workplace, scene: Scene): { readonly ids: readonly string[]; readonly origin: Point } {
  const chosen = nodeIds(editor);
  const boxes = [...scene.boxes.values()].filter((box) => !box.pinned && (chosen.size < 2 || chosen.has(box.id)));
  const bounds = boundsOf(boxes);
  return { ids: boxes.map((box) => box.id), origin: bounds ? [bounds.x0, bounds.y0] : [0, 0] };
}

/** The part of the graph that is laid out; a node in several groups stays with the smallest of them. */
function graphOf({ editor }: Workplace, scene: Scene, ids: readonly string[]): LayoutGraph {
  const free = new Set(ids);
  const boxes = ids.flatMap((id) => scene.boxes.get(id) ?? []);
  const links = [...linksOf(editor.scope)].map(({ node, input, link }) => ({
    source: link.link[0],
    output: link.link[1],
    node,
    input,
  }));
  const groups = (editor.scope.groups ?? [])
    .map((entry) => boxesInside(scene, entry).map((box) => box.id))
    .sort((one, two) => one.length - two.length)
    .map((inside) => inside.filter((id) => free.delete(id)))
    .filter((inside) => inside.length > 0);
  return { boxes: boxes.map(({ id, shape }) => ({ id, ...shape })), links, groups };
}

/** Write the places down, and draw the groups around what they held. */
function write(place: Pick<Workplace, "editor" | "runner" | "look">, places: ReadonlyMap<string, Point>): void {
  const { editor } = place;
  const before = sceneNow(place);
  editor.edit((workflow, path) => {
    const groups = scopeAt(workflow, path).groups ?? [];
    const framed = groups.map((entry) => {
      const inside = boxesInside(before, entry);
      if (!inside.some((box) => places.has(box.id))) return entry;
      const placed = inside.map((box) => {
        const [x, y] = places.get(box.id) ?? [box.x, box.y];
        return { ...box, x, y };
      });
      return { ...entry, ...frameAround(placed) };
    });
    const all = [edits.moveNodes(workflow, path, places), straighten(workflow, path, places)];
    if (groups.length > 0) all.push(edits.setGroups(path, framed, "fit_group"));
    return { ...edits.together("tidy", all), label: { key: "tidy" } };
  });
}
