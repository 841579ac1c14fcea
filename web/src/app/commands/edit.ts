/** Commands that change the selected nodes, links and points of links. */

import { GROUP_PREFIX, NOTE_PREFIX } from "../../canvas/frames";
import { nodeIds, nodesAmong } from "../../canvas/moving";
import { hitCurve } from "../../canvas/scene";
import { MIN_WIDTH } from "../../canvas/shape";
import type { Editor } from "../../editor/store";
import { nodesOf, type Point, type ScopePath, scopeAt, type Workflow } from "../../graph/document";
import * as edits from "../../graph/edits";
import type { Edit } from "../../graph/history";
import { disconnect, removeNodes, removeThrough } from "../../graph/removing";
import { addReroute, removeReroutes } from "../../graph/reroutes";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";
import { sceneNow } from "./view";

export const EDIT_COMMANDS: readonly Command[] = [
  command("undo", "cmd.undo", ["mod+z"], ({ editor }) => editor.undo()),
  command("redo", "cmd.redo", ["mod+shift+z", "mod+y"], ({ editor }) => editor.redo()),
  command("delete", "cmd.delete", ["delete", "backspace"], (place) => remove(place, removeNodes)),
  command("delete_through", "cmd.delete_through", ["mod+delete", "mod+backspace"], (place) =>
    remove(place, (workflow, path, ids) => removeThrough(workflow, path, place.editor.definitions, ids)),
  ),
  command("rename", "cmd.rename", ["f2"], ({ editor }) =>
    editor.view.setState({ renaming: [...editor.document.getState().selection][0] ?? null }),
  ),
  command("bypass", "cmd.bypass", ["mod+b"], ({ editor }) =>
    editor.edit((workflow, path) => edits.toggleMode(workflow, path, nodeIds(editor), "bypass")),
  ),
  command("mute", "cmd.mute", ["mod+m"], ({ editor }) =>
    editor.edit((workflow, path) => edits.toggleMode(workflow, path, nodeIds(editor), "mute")),
  ),
  command("collapse", "cmd.collapse", ["alt+c"], (place) => toggleField(place, "collapsed")),
  command("pin", "cmd.pin", ["p"], (place) => toggleField(place, "pinned")),
  command("wider", "cmd.wider", [], (place) => widen(place, 36)),
  command("narrower", "cmd.narrower", [], (place) => widen(place, -36)),
  command("own_size", "cmd.own_size", [], ({ editor }) =>
    editor.edit((workflow, path) => edits.setField(workflow, path, nodeIds(editor), "size", undefined)),
  ),
  command("replace", "cmd.replace", ["shift+r"], replace),
  command("insert_node", "cmd.insert_node", [], insertNode),
  command("reroute", "cmd.reroute", ["alt+r"], reroute),
];

type Removing = (workflow: Workflow, path: ScopePath, ids: ReadonlySet<string>) => Edit;

function remove({ editor }: Workplace, nodes: Removing): void {
  const { selection, links, reroutes } = editor.document.getState();
  if (reroutes.length > 0) editor.edit((workflow, path) => removeReroutes(workflow, path, reroutes));
  else if (links.length > 0) editor.edit((workflow, path) => disconnect(workflow, path, links));
  else removeItems(editor, selection, nodes);
  editor.select([]);
}

/** Remove nodes, groups and notes in one step; without a key for it the step says what it removes. */
export function removeItems(editor: Editor, ids: ReadonlySet<string>, nodes: Removing, key?: string): void {
  const stays = (prefix: string) => (_: unknown, index: number) => !ids.has(`${prefix}${index}`);
  editor.edit((workflow, path) => {
    const all = [nodes(workflow, path, nodesAmong(editor, ids))];
    const { groups = [], notes = [] } = scopeAt(workflow, path);
    const [keptGroups, keptNotes] = [groups.filter(stays(GROUP_PREFIX)), notes.filter(stays(NOTE_PREFIX))];
    if (keptGroups.length < groups.length) all.push(edits.setGroups(path, keptGroups, "remove_group"));
    if (keptNotes.length < notes.length) all.push(edits.setNotes(path, keptNotes, "remove_note"));
    const done = all.filter((edit) => edit.patches.length > 0);
    if (key === undefined && done.length === 1 && done[0]) return done[0];
    return { ...edits.together("remove_items", done), label: { key: key ?? "remove_items", count: ids.size } };
  });
  editor.select([]);
}

/** Switch a field of the selected nodes on, or off when all have it. */
function toggleField({ editor }: Workplace, field: "collapsed" | "pinned"): void {
  editor.edit((workflow, path) => {
    const ids = nodeIds(editor);
    const all = [...ids].every((id) => nodesOf(editor.scope)[id]?.[field]);
    return edits.setField(workflow, path, ids, field, all ? undefined : true);
  });
}

/** Make the selected nodes wider or narrower; their height stays. */
function widen(place: Workplace, by: number): void {
  const { editor } = place;
  const { boxes } = sceneNow(place);
  const ids = [...nodeIds(editor)];
  editor.edit((workflow, path) => {
    const all = ids.map((id) => {
      const width = Math.max((boxes.get(id)?.shape.width ?? 0) + by, MIN_WIDTH);
      return edits.setField(workflow, path, [id], "size", [width, nodesOf(editor.scope)[id]?.size?.[1] ?? 0]);
    });
    return edits.together("size", all);
  });
}

/** Ask which type the selected node is to become. */
function replace({ editor }: Workplace): void {
  const [id] = nodeIds(editor);
  const at = nodesOf(editor.scope)[id ?? ""]?.at ?? [0, 0];
  if (id === undefined) return;
  const screen = onScreen(at, editor.view.getState().viewport);
  editor.view.setState({ search: { at, screen, link: null, replace: id, byKey: true } });
}

/** Ask which node is put into the selected link. */
function insertNode({ editor }: Workplace): void {
  const [insert] = editor.document.getState().links;
  if (!insert) return;
  const { pointer: at, viewport } = editor.view.getState();
  editor.view.setState({ search: { at, screen: onScreen(at, viewport), link: null, insert, byKey: true } });
}

function onScreen(at: Point, { x, y, zoom }: { x: number; y: number; zoom: number }): Point {
  const canvas = document.querySelector(".graph")?.getBoundingClientRect();
  return [at[0] * zoom + x + (canvas?.left ?? 0), at[1] * zoom + y + (canvas?.top ?? 0)];
}

/** Give the selected link a point to hold it by, or the one under the pointer. */
function reroute(place: Workplace): void {
  const { editor } = place;
  const { pointer, viewport } = editor.view.getState();
  const [chosen] = editor.document.getState().links;
  const { curves } = sceneNow(place);
  const own = chosen ? curves.filter(({ end }) => end.node === chosen.node && end.input === chosen.input) : curves;
  const near = hitCurve(own, pointer, 20 / viewport.zoom);
  const hit = near ?? (chosen && own[0] ? { curve: own[0], segment: 0 } : undefined);
  if (!hit) {
    place.tell(t("tell.no_link_here"));
    return;
  }
  const { end, from, to, via } = hit.curve;
  const next = via[0] ?? to;
  const at = near ? pointer : ([(from[0] + next[0]) / 2, (from[1] + next[1]) / 2] as const);
  editor.edit((workflow, path) => addReroute(workflow, path, end, hit.segment, at));
  editor.selectReroutes([{ end, index: hit.segment }]);
}
