/** Commands that change the selected nodes. */

import { GROUP_PREFIX } from "../../canvas/GroupFrame";
import { nodeIds } from "../../canvas/moving";
import { NOTE_PREFIX } from "../../canvas/NoteCard";
import { copyNodes, readClip, writeClip } from "../../graph/clipboard";
import { nodesOf, type Point } from "../../graph/document";
import * as edits from "../../graph/edits";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

export const EDIT_COMMANDS: readonly Command[] = [
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
];

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
