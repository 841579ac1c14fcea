/** Commands that arrange the graph. */

import { GROUP_PREFIX } from "../../canvas/GroupFrame";
import { nodeIds } from "../../canvas/moving";
import { NOTE_PREFIX } from "../../canvas/NoteCard";
import { boundsOf } from "../../canvas/scene";
import type { Point } from "../../graph/document";
import * as edits from "../../graph/edits";
import { layOut } from "../../graph/layout";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";
import { sceneNow } from "./view";

export const ARRANGE_COMMANDS: readonly Command[] = [
  command("group", "cmd.group", ["mod+g"], group),
  command("note", "cmd.note", ["mod+shift+m"], addNote),
  command("tidy", "cmd.tidy", ["l"], tidy),
];

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

export function tidy(place: Workplace): void {
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
