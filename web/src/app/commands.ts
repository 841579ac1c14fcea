/** Every command, once: the keys, the menus, the palette and the toolbar all take it from here. */

import { cancelJob } from "../api/client";
import { faceOf } from "../canvas/faces";
import { GROUP_PREFIX } from "../canvas/GroupFrame";
import { nodeIds } from "../canvas/moving";
import { NOTE_PREFIX } from "../canvas/NoteCard";
import { boundsOf, type Scene, sceneOf } from "../canvas/scene";
import { fitting, MAX_ZOOM, MIN_ZOOM, toGraph } from "../canvas/window";
import { copyNodes, readClip, writeClip } from "../graph/clipboard";
import { EMPTY_WORKFLOW, nodesOf, type Point } from "../graph/document";
import * as edits from "../graph/edits";
import { layOut } from "../graph/layout";
import { writeWorkflow } from "../graph/read";
import { type TextKey, t } from "../i18n";
import { askForFile, download, openFile } from "./files";
import type { Workplace } from "./workplace";

export type Command = {
  readonly id: string;
  readonly title: TextKey;
  readonly keys?: readonly string[];
  readonly run: (place: Workplace) => void;
  /** Whether its keys work while one types. */
  readonly whileTyping?: boolean;
};

const command = (
  id: string,
  title: TextKey,
  keys: readonly string[],
  run: Command["run"],
  whileTyping = false,
): Command => ({ id, title, keys, run, whileTyping });

export const COMMANDS: readonly Command[] = [
  command("run", "cmd.run", ["mod+enter"], ({ runner }) => void runner.submit(), true),
  command("run_front", "cmd.run_front", ["mod+shift+enter"], ({ runner }) => void runner.submit({ front: true }), true),
  command("run_selected", "cmd.run_selected", ["alt+enter"], runSelected, true),
  command(
    "cancel",
    "cmd.cancel",
    ["mod+alt+enter"],
    ({ runner }) => {
      const job = runner.current;
      if (job !== null) void runner.act(() => cancelJob(job));
    },
    true,
  ),
  command("search", "cmd.search", ["space", "tab", "n"], openSearch),
  command("palette", "cmd.palette", ["mod+k", "mod+shift+p"], ({ ui }) => ui.setState({ dialog: "palette" }), true),
  command("undo", "cmd.undo", ["mod+z"], ({ editor }) => editor.undo()),
  command("redo", "cmd.redo", ["mod+shift+z", "mod+y"], ({ editor }) => editor.redo()),
  command("copy", "cmd.copy", ["mod+c"], (place) => void copy(place)),
  command("cut", "cmd.cut", ["mod+x"], (place) => void copy(place).then(() => remove(place))),
  command("paste", "cmd.paste", ["mod+v"], (place) => void paste(place, false)),
  command("paste_links", "cmd.paste_links", ["mod+shift+v"], (place) => void paste(place, true)),
  command("duplicate", "cmd.duplicate", ["mod+d"], duplicate),
  command("delete", "cmd.delete", ["delete", "backspace"], remove),
  command("select_all", "cmd.select_all", ["mod+a"], ({ editor }) => editor.select(Object.keys(nodesOf(editor.scope)))),
  command("rename", "cmd.rename", ["f2"], ({ editor }) =>
    editor.view.setState({ renaming: [...nodeIds(editor)][0] ?? null }),
  ),
  command("bypass", "cmd.bypass", ["mod+b"], ({ editor }) =>
    editor.edit((workflow, path) => edits.toggleMode(workflow, path, nodeIds(editor), "bypass")),
  ),
  command("mute", "cmd.mute", ["mod+m"], ({ editor }) =>
    editor.edit((workflow, path) => edits.toggleMode(workflow, path, nodeIds(editor), "mute")),
  ),
  command("collapse", "cmd.collapse", ["alt+c"], collapse),
  command("group", "cmd.group", ["mod+g"], group),
  command("note", "cmd.note", ["mod+shift+m"], addNote),
  command("tidy", "cmd.tidy", ["l"], tidy),
  command("fit", "cmd.fit", ["."], (place) => fitView(place, false)),
  command("fit_selection", "cmd.fit_selection", ["f"], (place) => fitView(place, true)),
  command("zoom_in", "cmd.zoom_in", ["alt+=", "mod+="], (place) =>
    zoomTo(place, place.editor.view.getState().viewport.zoom * 1.25),
  ),
  command("zoom_out", "cmd.zoom_out", ["alt+-", "mod+-"], (place) =>
    zoomTo(place, place.editor.view.getState().viewport.zoom / 1.25),
  ),
  command("zoom_reset", "cmd.zoom_reset", ["mod+0"], (place) => zoomTo(place, 1)),
  command("new", "cmd.new", ["alt+n"], ({ editor, runner }) => {
    editor.open(EMPTY_WORKFLOW);
    runner.show(null);
  }),
  command("open", "cmd.open", ["mod+o"], (place) => askForFile((file) => void openHere(place, file)), true),
  command("save", "cmd.save", ["mod+s"], ({ editor }) => download(editor), true),
  command(
    "copy_json",
    "cmd.copy_json",
    [],
    ({ editor }) => void navigator.clipboard.writeText(writeWorkflow(editor.workflow)),
  ),
  command("queue", "cmd.queue", ["q"], ({ ui }) => ui.getState().toggle("queue")),
  command("library", "cmd.library", ["a"], ({ ui }) => ui.getState().toggle("library")),
  command("history", "cmd.history", ["h"], ({ ui }) => ui.getState().toggle("history")),
  command("problems", "cmd.problems", ["p"], ({ ui }) => ui.getState().toggle("problems")),
  command("minimap", "cmd.minimap", ["alt+shift+m"], ({ ui }) => ui.setState(({ minimap }) => ({ minimap: !minimap }))),
  command("theme", "cmd.theme", [], ({ ui }) => ui.getState().switchTheme()),
  command("shortcuts", "cmd.shortcuts", ["mod+shift+k", "?"], ({ ui }) => ui.setState({ dialog: "shortcuts" })),
];

export function commandById(id: string): Command | undefined {
  return COMMANDS.find((entry) => entry.id === id);
}

export async function openHere(place: Workplace, file: File): Promise<void> {
  if (!(await openFile(place.editor, file, place.tell))) return;
  place.runner.show(null);
  settle(place);
}

/** After a document was opened: lay out what has no place, and show all of it. */
export function settle(place: Workplace): void {
  const { editor } = place;
  const nodes = Object.values(nodesOf(editor.scope));
  if (nodes.length > 1 && nodes.every((node) => node.at === undefined)) tidy(place);
  fitView(place, false);
}

function sceneNow({ editor, runner }: Workplace): Scene {
  const { nodes } = runner.run.getState();
  return sceneOf(editor.scope, editor.definitions, (id) => faceOf(nodes[id]), null);
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

function runSelected({ editor, runner }: Workplace): void {
  const targets = [...nodeIds(editor)];
  if (targets.length > 0) void runner.submit({ targets });
}

async function copy({ editor, tell }: Workplace): Promise<void> {
  const ids = nodeIds(editor);
  if (ids.size === 0) return;
  await navigator.clipboard.writeText(writeClip(copyNodes(editor.scope, ids)));
  tell(t("tell.copied", { count: ids.size }));
}

async function paste(place: Workplace, keepLinks: boolean): Promise<void> {
  const clip = readClip(await navigator.clipboard.readText());
  if (!clip) return place.tell(t("tell.nothing_to_paste"), "error");
  const { editor } = place;
  const corners = Object.values(clip.nodes).map((node) => node.at ?? [0, 0]);
  const corner: Point = [Math.min(...corners.map(([x]) => x)), Math.min(...corners.map(([, y]) => y))];
  const { pointer } = editor.view.getState();
  const { edit, ids } = edits.pasteNodes(
    editor.workflow,
    editor.path,
    clip,
    [pointer[0] - corner[0], pointer[1] - corner[1]],
    { keepLinks, key: "paste" },
  );
  editor.perform(edit);
  editor.select(ids);
}

function duplicate({ editor }: Workplace): void {
  const clip = copyNodes(editor.scope, nodeIds(editor));
  const { edit, ids } = edits.pasteNodes(editor.workflow, editor.path, clip, [36, 36], {
    keepLinks: true,
    key: "duplicate",
  });
  editor.perform(edit);
  if (ids.length > 0) editor.select(ids);
}

function remove({ editor }: Workplace): void {
  const { selection, links } = editor.document.getState();
  const stays = (prefix: string) => (_: unknown, index: number) => !selection.has(`${prefix}${index}`);
  editor.edit((workflow, path) => {
    if (links.length > 0) return edits.disconnect(workflow, path, links);
    const all = [edits.removeNodes(workflow, path, nodeIds(editor))];
    const groups = (workflow.groups ?? []).filter(stays(GROUP_PREFIX));
    const notes = (workflow.notes ?? []).filter(stays(NOTE_PREFIX));
    if (groups.length < (workflow.groups ?? []).length) all.push(edits.setGroups(groups, "remove_group"));
    if (notes.length < (workflow.notes ?? []).length) all.push(edits.setNotes(notes, "remove_note"));
    const done = all.filter((edit) => edit.patches.length > 0);
    return done.length === 1 && done[0]
      ? done[0]
      : { ...edits.together("remove", done), label: { key: "remove", count: selection.size } };
  });
  editor.select([]);
}

function collapse({ editor }: Workplace): void {
  editor.edit((workflow, path) => {
    const ids = nodeIds(editor);
    const all = [...ids].every((id) => nodesOf(editor.scope)[id]?.collapsed);
    return edits.setField(workflow, path, ids, "collapsed", all ? undefined : true);
  });
}

function group(place: Workplace): void {
  const { editor } = place;
  const ids = nodeIds(editor);
  const bounds = boundsOf([...sceneNow(place).boxes.values()].filter((box) => ids.has(box.id)));
  if (!bounds) return;
  const at: Point = [bounds.x0 - 24, bounds.y0 - 56];
  const size: Point = [bounds.x1 - bounds.x0 + 48, bounds.y1 - bounds.y0 + 80];
  const groups = editor.workflow.groups ?? [];
  editor.perform(edits.setGroups([...groups, { title: t("group.untitled"), at, size, color: "#6d5cff" }], "add_group"));
  editor.select([`${GROUP_PREFIX}${groups.length}`]);
}

function addNote({ editor }: Workplace): void {
  const { pointer } = editor.view.getState();
  const notes = editor.workflow.notes ?? [];
  editor.perform(
    edits.setNotes(
      [...notes, { text: "", at: [Math.round(pointer[0]), Math.round(pointer[1])], size: [240, 120] }],
      "add_note",
    ),
  );
  editor.select([`${NOTE_PREFIX}${notes.length}`]);
}

function tidy(place: Workplace): void {
  const { editor } = place;
  const scene = sceneNow(place);
  const chosen = nodeIds(editor);
  const ids = chosen.size > 1 ? [...chosen] : [...scene.boxes.keys()];
  const bounds = boundsOf([...scene.boxes.values()].filter((box) => ids.includes(box.id)));
  if (!bounds) return;
  const size = (id: string): Point => {
    const shape = scene.boxes.get(id)?.shape;
    return [shape?.width ?? 0, shape?.height ?? 0];
  };
  const places = layOut(editor.scope, ids, size, [bounds.x0, bounds.y0]);
  editor.edit((workflow, path) => ({ ...edits.moveNodes(workflow, path, places), label: { key: "tidy" } }));
}

function fitView(place: Workplace, selected: boolean): void {
  const { editor } = place;
  const ids = nodeIds(editor);
  const boxes = [...sceneNow(place).boxes.values()].filter((box) => !selected || ids.size === 0 || ids.has(box.id));
  const bounds = boundsOf(boxes);
  if (bounds) editor.view.setState(({ size }) => ({ goal: fitting(bounds, size) }));
}

function zoomTo({ editor }: Workplace, zoom: number): void {
  const { viewport, size } = editor.view.getState();
  const next = Math.min(Math.max(zoom, MIN_ZOOM), MAX_ZOOM);
  const middle: Point = [size[0] / 2, size[1] / 2];
  const at = toGraph(viewport, middle);
  editor.view.setState({ goal: { x: middle[0] - at[0] * next, y: middle[1] - at[1] * next, zoom: next } });
}
