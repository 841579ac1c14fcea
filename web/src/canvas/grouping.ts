/** What is done with groups: a group holds the nodes whose middle lies in its frame, and nothing is written about it. */
import type { Editor } from "../editor/store";
import type { Group, Note, Point, Scope } from "../graph/document";
import { setGroups, toggleMode } from "../graph/edits";
import { contains, overlaps, type Rect, unionOf } from "./curves";
import { GROUP_PREFIX, GROUP_SIZE, NOTE_PREFIX, NOTE_SIZE } from "./frames";
import { type Box, boundsOf, boxRect, type Scene } from "./scene";

const MARGIN = 24;
const TITLE = 32;

type Frames = Pick<Scope, "groups" | "notes">;

export function idsOfFrames({ groups = [], notes = [] }: Frames): string[] {
  return [...groups.map((_, index) => `${GROUP_PREFIX}${index}`), ...notes.map((_, index) => `${NOTE_PREFIX}${index}`)];
}

/** The group or note of an id of the canvas. */
export function frameOf({ groups, notes }: Frames, id: string): Group | Note | undefined {
  if (id.startsWith(GROUP_PREFIX)) return groups?.[Number(id.slice(GROUP_PREFIX.length))];
  return id.startsWith(NOTE_PREFIX) ? notes?.[Number(id.slice(NOTE_PREFIX.length))] : undefined;
}

export function frameRect(frame: Group | Note, fallback: Point): Rect {
  const [x, y] = frame.at ?? [0, 0];
  const [width, height] = frame.size ?? fallback;
  return { x0: x, y0: y, x1: x + width, y1: y + height };
}

/** The groups and notes among the ids of the canvas. */
export function framesAmong(scope: Frames, ids: ReadonlySet<string>): { groups: Group[]; notes: Note[] } {
  const { groups = [], notes = [] } = scope;
  return {
    groups: groups.filter((_, index) => ids.has(`${GROUP_PREFIX}${index}`)),
    notes: notes.filter((_, index) => ids.has(`${NOTE_PREFIX}${index}`)),
  };
}

/** Ids of the canvas, and those of what lies in the groups among them. */
export function withContents(scene: Scene, scope: Frames, ids: Iterable<string>): Set<string> {
  const all = new Set(ids);
  for (const id of [...all]) {
    const group = id.startsWith(GROUP_PREFIX) ? frameOf(scope, id) : undefined;
    if (!group) continue;
    for (const box of boxesInside(scene, group)) all.add(box.id);
    for (const inner of framesIn(scope, frameRect(group, GROUP_SIZE))) all.add(inner);
  }
  return all;
}

/** Rectangles of the groups and notes among the ids of the canvas. */
export function rectsOf(scope: Frames, ids: Iterable<string>): Rect[] {
  return [...ids].flatMap((id) => {
    const frame = frameOf(scope, id);
    return frame ? [frameRect(frame, id.startsWith(GROUP_PREFIX) ? GROUP_SIZE : NOTE_SIZE)] : [];
  });
}

/** Ids of the groups that lie in a rectangle whole, and of the notes that it touches. */
export function framesIn({ groups = [], notes = [] }: Frames, rect: Rect): string[] {
  const isInside = (inner: Rect) => contains(rect, [inner.x0, inner.y0]) && contains(rect, [inner.x1, inner.y1]);
  return [
    ...groups.flatMap((group, index) => (isInside(frameRect(group, GROUP_SIZE)) ? [`${GROUP_PREFIX}${index}`] : [])),
    ...notes.flatMap((note, index) => (overlaps(frameRect(note, NOTE_SIZE), rect) ? [`${NOTE_PREFIX}${index}`] : [])),
  ];
}

/** The frame of a group around boxes, with room for its title; null around none. */
export function frameAround(boxes: readonly Box[]): { readonly at: Point; readonly size: Point } | null {
  const bounds = boundsOf(boxes);
  if (!bounds) return null;
  return {
    at: [bounds.x0 - MARGIN, bounds.y0 - MARGIN - TITLE],
    size: [bounds.x1 - bounds.x0 + 2 * MARGIN, bounds.y1 - bounds.y0 + 2 * MARGIN + TITLE],
  };
}

/** The rectangle around nodes, groups and notes: of the ids, or all of them but what strayed too far to be shown. */
export function boundsWith(scene: Scene, scope: Frames, ids: ReadonlySet<string> | null): Rect | null {
  const boxes = [...scene.boxes.values()].filter((box) => ids === null || ids.has(box.id));
  const rects = [...boxes.map(boxRect), ...rectsOf(scope, ids ?? idsOfFrames(scope))];
  return unionOf(ids === null ? gathered(rects) : rects);
}

/** Pixels of the graph that a wide screen shows, zoomed out as far as that goes. */
const MOST_SHOWN = 60_000;

/** The rectangles near the middle one, when all together are more than a view can show. */
function gathered(rects: readonly Rect[]): readonly Rect[] {
  const whole = unionOf(rects);
  if (!whole || Math.max(whole.x1 - whole.x0, whole.y1 - whole.y0) <= MOST_SHOWN) return rects;
  const middle = (places: number[]) => places.sort((one, other) => one - other)[(places.length - 1) >> 1] ?? 0;
  const [x, y] = [middle(rects.map(({ x0 }) => x0)), middle(rects.map(({ y0 }) => y0))];
  const isNear = ({ x0, y0 }: Rect) => Math.max(Math.abs(x0 - x), Math.abs(y0 - y)) <= MOST_SHOWN / 2;
  const near = rects.filter(isNear);
  return near.length > 0 ? near : rects;
}

/** Nodes whose middle lies in a group. */
export function boxesInside(scene: Scene, group: Group): Box[] {
  const frame = frameRect(group, GROUP_SIZE);
  return [...scene.boxes.values()].filter((box) => {
    const rect = boxRect(box);
    return contains(frame, [(rect.x0 + rect.x1) / 2, (rect.y0 + rect.y1) / 2]);
  });
}

/** Draw the frame close around what lies in it. */
export function fitGroup(editor: Editor, scene: Scene, index: number): void {
  const groups = editor.scope.groups ?? [];
  const group = groups[index];
  const frame = group && frameAround(boxesInside(scene, group));
  if (!frame) return;
  const fitted = groups.map((entry, place) => (place === index ? { ...entry, ...frame } : entry));
  editor.perform(setGroups(editor.path, fitted, "fit_group"));
}

/** Bypass all nodes of a group, or let them run again when all are bypassed. */
export function bypassGroup(editor: Editor, scene: Scene, index: number): void {
  const group = editor.scope.groups?.[index];
  const ids = new Set(group ? boxesInside(scene, group).map((box) => box.id) : []);
  if (ids.size > 0) editor.edit((workflow, path) => toggleMode(workflow, path, ids, "bypass"));
}

/** Take the frame away; what lies in it stays. */
export function removeGroup(editor: Editor, index: number): void {
  const groups = (editor.scope.groups ?? []).filter((_, place) => place !== index);
  editor.select([]);
  editor.perform(setGroups(editor.path, groups, "remove_group"));
}
