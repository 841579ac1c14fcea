/** Moving what is selected: mounted or not, with the contents of groups, written as one step when it is let go. */
import type { Editor } from "../editor/store";
import { type Clip, copyPart, type Pasted, pasteClip } from "../graph/clipboard";
import { nodesOf, type Point, type ScopePath, scopeAt, type Workflow } from "../graph/document";
import { insertOnLink, moveNodes, setGroups, setNotes, together } from "../graph/edits";
import type { Edit } from "../graph/history";
import { applyPatches } from "../graph/patch";
import { GROUP_PREFIX, NOTE_PREFIX } from "./frames";
import { frameOf, framesAmong, withContents } from "./grouping";
import { curveAt, type Scene } from "./scene";

/** Where everything that moves along stands at the start; what is pinned stays. */
export function startPlaces(editor: Editor, scene: Scene, ids: Iterable<string>): Map<string, Point> {
  const places = new Map<string, Point>();
  for (const id of withContents(scene, editor.scope, ids)) {
    const box = scene.boxes.get(id);
    const frame = frameOf(editor.scope, id);
    if (frame) places.set(id, frame.at ?? [0, 0]);
    else if (box && !box.pinned) places.set(id, [box.x, box.y]);
  }
  return places;
}

export function shifted(places: ReadonlyMap<string, Point>, dx: number, dy: number): Map<string, Point> {
  return new Map([...places].map(([id, [x, y]]) => [id, [x + dx, y + dy]]));
}

/** Write the places down; a single node that was dropped on a link is put into it. */
export function writePlaces(editor: Editor, scene: Scene, places: ReadonlyMap<string, Point>): void {
  editor.edit((workflow, path) => {
    const move = moveNodes(workflow, path, places);
    const edits: Edit[] = [move, ...movedFrames(workflow, path, places)];
    const [only] = places.keys();
    const link = places.size === 1 && only !== undefined ? linkUnder(scene, only) : undefined;
    if (link && only !== undefined) {
      const { document } = applyPatches(workflow, move.patches);
      edits.push(insertOnLink(document, path, editor.definitions, link, only));
    }
    return edits.length === 1 ? move : { ...together("move", edits), label: { key: "move", count: places.size } };
  });
}

function movedFrames(workflow: Workflow, path: ScopePath, places: ReadonlyMap<string, Point>): Edit[] {
  const { groups = [], notes = [] } = scopeAt(workflow, path);
  const has = (prefix: string) => [...places.keys()].some((id) => id.startsWith(prefix));
  return [
    ...(has(GROUP_PREFIX) ? [setGroups(path, placed(groups, GROUP_PREFIX, places), "move")] : []),
    ...(has(NOTE_PREFIX) ? [setNotes(path, placed(notes, NOTE_PREFIX, places), "move")] : []),
  ];
}

/** Move the selection a little; steps in quick succession are one in the history. */
export function nudge(editor: Editor, scene: Scene, dx: number, dy: number): void {
  const places = shifted(startPlaces(editor, scene, editor.document.getState().selection), dx, dy);
  editor.edit((workflow, path) => ({
    ...together("move", [moveNodes(workflow, path, places), ...movedFrames(workflow, path, places)]),
    label: { key: "move", count: places.size },
    merge: "arrow keys",
  }));
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

/** What of the open scope is copied: nodes, groups with what lies in them, and notes. */
export function clipOf(editor: Editor, scene: Scene, ids: ReadonlySet<string>): Clip {
  const all = withContents(scene, editor.scope, ids);
  return copyPart(editor.workflow, editor.path, nodesAmong(editor, all), framesAmong(editor.scope, all));
}

/** Ids of the canvas for what was pasted. */
export function idsOf({ ids, groups, notes }: Pasted): string[] {
  return [
    ...ids,
    ...groups.map((index) => `${GROUP_PREFIX}${index}`),
    ...notes.map((index) => `${NOTE_PREFIX}${index}`),
  ];
}

/**
 * Copy nodes, groups and notes to where they stand, linked as they are, and select the copies, so that these can be
 * dragged. What comes of it is one step, written by `finish`; `cancel` takes the copies away.
 */
export function duplicateInPlace(editor: Editor, scene: Scene, wanted: ReadonlySet<string>) {
  const clip = clipOf(editor, scene, wanted);
  const paste = (offset: Point) =>
    pasteClip(editor.workflow, editor.path, clip, offset, { keepLinks: true, key: "duplicate" });
  const copies = paste([0, 0]);
  const ids = idsOf(copies);
  if (ids.length === 0) return null;
  const { selection } = editor.document.getState();
  editor.perform(copies.edit);
  editor.select(ids);
  const nodes = nodesOf(editor.scope);
  const places = new Map(
    ids.map((id): [string, Point] => [id, (nodes[id] ?? frameOf(editor.scope, id))?.at ?? [0, 0]]),
  );
  return {
    places,
    finish: (drag: ReadonlyMap<string, Point>) => {
      const [id = ""] = ids;
      const [from, to] = [places.get(id) ?? [0, 0], drag.get(id) ?? [0, 0]];
      editor.undo();
      editor.perform(paste([to[0] - from[0], to[1] - from[1]]).edit);
      editor.select(ids);
    },
    cancel: () => {
      editor.undo();
      editor.select(selection);
    },
  };
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
  return nodesAmong(editor, editor.document.getState().selection);
}

/** The ids among these that are nodes of the graph. */
export function nodesAmong(editor: Editor, ids: ReadonlySet<string>): Set<string> {
  const nodes = nodesOf(editor.scope);
  return new Set([...ids].filter((id) => Object.hasOwn(nodes, id)));
}
