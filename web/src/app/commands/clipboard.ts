/** Commands that copy nodes: through the system's clipboard, or in place. */

import { nodeIds } from "../../canvas/moving";
import { copyNodes, pasteNodes, readClip, writeClip } from "../../graph/clipboard";
import type { Point } from "../../graph/document";
import { removeNodes } from "../../graph/removing";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";
import { remove } from "./edit";

export const CLIPBOARD_COMMANDS: readonly Command[] = [
  command("copy", "cmd.copy", ["mod+c"], (place) => void copy(place)),
  command("cut", "cmd.cut", ["mod+x"], (place) => void copy(place).then(() => remove(place, removeNodes))),
  command("paste", "cmd.paste", ["mod+v"], (place) => void paste(place, false)),
  command("paste_links", "cmd.paste_links", ["mod+shift+v"], (place) => void paste(place, true)),
  command("duplicate", "cmd.duplicate", ["mod+d"], duplicate),
];

async function copy({ editor, tell }: Workplace): Promise<void> {
  const ids = nodeIds(editor);
  if (ids.size === 0) return;
  await navigator.clipboard.writeText(writeClip(copyNodes(editor.workflow, editor.path, ids)));
  tell(ids.size === 1 ? t("tell.copied_one") : t("tell.copied", { count: ids.size }));
}

async function paste(place: Workplace, keepLinks: boolean): Promise<void> {
  const clip = readClip(await navigator.clipboard.readText());
  if (!clip) return place.tell(t("tell.nothing_to_paste"), "error");
  const { editor } = place;
  const corners = Object.values(clip.nodes).map((node) => node.at ?? [0, 0]);
  const corner: Point = [Math.min(...corners.map(([x]) => x)), Math.min(...corners.map(([, y]) => y))];
  const { pointer } = editor.view.getState();
  const offset: Point = [pointer[0] - corner[0], pointer[1] - corner[1]];
  add(place, pasteNodes(editor.workflow, editor.path, clip, offset, { keepLinks, key: "paste" }));
}

function duplicate(place: Workplace): void {
  const { editor } = place;
  const clip = copyNodes(editor.workflow, editor.path, nodeIds(editor));
  add(place, pasteNodes(editor.workflow, editor.path, clip, [36, 36], { keepLinks: true, key: "duplicate" }));
}

function add({ editor, tell }: Workplace, { edit, ids, refused }: ReturnType<typeof pasteNodes>): void {
  if (refused > 0) tell(t("tell.would_contain_itself"), "error");
  editor.perform(edit);
  if (ids.length > 0) editor.select(ids);
}
