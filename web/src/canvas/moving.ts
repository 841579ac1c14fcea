/** Moving what is selected: mounted or not, with the contents of groups, written as one step when it is let go. */
import type { Editor } from "../editor/store";
import { type Group, type Note, nodesOf, type Point, type Workflow } from "../graph/document";
import { insertOnLink, moveNodes, setGroups, setNotes, together } from "../graph/edits";
import type { Edit } from "../graph/history";
import { GROUP_SIZE } from "./flowNodes";
import { GROUP_PREFIX } from "./GroupFrame";
import { NOTE_PREFIX } from "./NoteCard";
import { type Box, boxRect, contains, curveAt, type Scene } from "./scene";

/** Where everything that moves along stands at the start. */
export function startPlaces(editor: Editor, scene: Scene, ids: Iterable<string>): Map<string, Point> {
  const places = new Map<string, Point>();
  for (const id of ids) {
    const box = scene.boxes.get(id);
    const frame = frameOf(editor.workflow, id);
    if (box) places.set(id, [box.x, box.y]);
    if (frame) places.set(id, frame.at ?? [0, 0]);
    if (frame && id.startsWith(GROUP_PREFIX))
      for (const inner of boxesInside(scene, frame)) places.set(inner.id, [inner.x, inner.y]);
  }
  return places;
}

/** The group or note of an id of the canvas. */
function frameOf({ groups, notes }: Workflow, id: string): Group | Note | undefined {
  if (id.startsWith(GROUP_PREFIX)) return groups?.[Number(id.slice(GROUP_PREFIX.length))];
  return id.startsWith(NOTE_PREFIX) ? notes?.[Number(id.slice(NOTE_PREFIX.length))] : undefined;
}

/** Nodes whose middle lies in a group. */
function boxesInside(scene: Scene, group: Group): Box[] {
  const [x, y] = group.at ?? [0, 0];
  const [width, height] = group.size ?? GROUP_SIZE;
  const frame = { x0: x, y0: y, x1: x + width, y1: y + height };
  return [...scene.boxes.values()].filter((box) => {
    const rect = boxRect(box);
    return contains(frame, [(rect.x0 + rect.x1) / 2, (rect.y0 + rect.y1) / 2]);
  });
}

export function shifted(places: ReadonlyMap<string, Point>, dx: number, dy: number): Map<string, Point> {
  return new Map([...places].map(([id, [x, y]]) => [id, [x + dx, y + dy]]));
}

/** Write the places down; a single node that was dropped on a link is put into it. */
export function writePlaces(editor: Editor, scene: Scene, places: ReadonlyMap<string, Point>): void {
  editor.edit((workflow, path) => {
    const edits: Edit[] = [moveNodes(workflow, path, places)];
    const has = (prefix: string) => [...places.keys()].some((id) => id.startsWith(prefix));
    if (has(GROUP_PREFIX)) edits.push(setGroups(placed(workflow.groups ?? [], GROUP_PREFIX, places), "move"));
    if (has(NOTE_PREFIX)) edits.push(setNotes(placed(workflow.notes ?? [], NOTE_PREFIX, places), "move"));
    const [only] = places.keys();
    const link = places.size === 1 && only !== undefined ? linkUnder(scene, only) : undefined;
    if (link && only !== undefined) edits.push(insertOnLink(workflow, path, editor.definitions, link, only));
    const [first] = edits;
    return edits.length === 1 && first
      ? first
      : { ...together("move", edits), label: { key: "move", count: places.size } };
  });
}

function placed<T extends { readonly at?: Point }>(
  items: readonly T[],
  prefix: string,
  places: ReadonlyMap<string, Point>,
): T[] {
  return items.map((item, index) => {
    const at = places.get(`${prefix}${index}`);
    return at ? { ...item, at: [Math.round(at[0]), Math.round(at[1])] as const } : item;
  });
}

/** The link below the middle of a node which nothing is linked to. */
export function linkUnder(scene: Scene, id: string) {
  const box = scene.boxes.get(id);
  if (!box || scene.curves.some((curve) => curve.end.node === id || curve.source === id)) return undefined;
  const middle: Point = [box.x + box.shape.width / 2, box.y + Math.min(box.shape.height / 2, 60)];
  return curveAt(scene, middle, 40)?.end;
}

/** The ids of a selection that are nodes of the graph. */
export function nodeIds(editor: Editor): Set<string> {
  const nodes = nodesOf(editor.scope);
  return new Set([...editor.document.getState().selection].filter((id) => Object.hasOwn(nodes, id)));
}
