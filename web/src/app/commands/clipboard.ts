/** Commands that copy nodes, groups and notes: through the system's clipboard, or in place. */

import { unionOf } from "../../canvas/curves";
import { GROUP_SIZE } from "../../canvas/frames";
import { frameRect, withContents } from "../../canvas/grouping";
import { clipOf, idsOf } from "../../canvas/moving";
import { type Clip, cornerOf, type Pasted, pasteClip, readClip, writeClip } from "../../graph/clipboard";
import type { Point } from "../../graph/document";
import { removeNodes } from "../../graph/removing";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";
import { removeItems } from "./edit";
import { sceneNow } from "./view";

const STEP = 36;

export const CLIPBOARD_COMMANDS: readonly Command[] = [
  command("copy", "cmd.copy", ["mod+c"], (place) => void copy(place)),
  command("cut", "cmd.cut", ["mod+x"], (place) => void cut(place)),
  command("paste", "cmd.paste", ["mod+v"], (place) => void paste(place, false)),
  command("paste_links", "cmd.paste_links", ["mod+shift+v"], (place) => void paste(place, true)),
  command("duplicate", "cmd.duplicate", ["mod+d"], duplicate),
];

/** Put what is selected on the clipboard. Returns whether it is there. */
async function copy(place: Workplace): Promise<boolean> {
  const clip = selected(place);
  const nodes = Object.keys(clip.nodes).length;
  const count = nodes + clip.groups.length + clip.notes.length;
  if (count === 0) return false;
  try {
    await navigator.clipboard.writeText(writeClip(clip));
  } catch (error) {
    return refused(place, error);
  }
  place.tell(count === 1 && nodes === 1 ? t("tell.copied_node") : t("tell.copied", { count }));
  return true;
}

async function cut(place: Workplace): Promise<void> {
  // Another tab may be in view by the time that the clipboard has it.
  const { editor } = place;
  const ids = withContents(sceneNow(place), editor.scope, editor.document.getState().selection);
  if (await copy(place)) removeItems(editor, ids, removeNodes, "cut");
}

async function paste(place: Workplace, keepLinks: boolean): Promise<void> {
  let text: string;
  try {
    text = await navigator.clipboard.readText();
  } catch (error) {
    refused(place, error);
    return;
  }
  const clip = readClip(text);
  if (!clip) return place.tell(t("tell.nothing_to_paste"), "error");
  const { editor } = place;
  const corner = cornerOf(clip);
  const { pointer } = editor.view.getState();
  const offset: Point = [pointer[0] - corner[0], pointer[1] - corner[1]];
  add(place, pasteClip(editor.workflow, editor.path, clip, offset, { keepLinks, key: "paste" }));
}

function duplicate(place: Workplace): void {
  const { editor } = place;
  const clip = selected(place);
  const options = { keepLinks: true, key: "duplicate" };
  add(place, pasteClip(editor.workflow, editor.path, clip, besides(clip), options));
}

/** How far a duplicate lies from the original: a copied group holds nothing of the first one. */
function besides({ groups }: Clip): Point {
  const around = unionOf(groups.map((group) => frameRect(group, GROUP_SIZE)));
  return around ? [0, around.y1 - around.y0 + STEP] : [STEP, STEP];
}

function selected(place: Workplace): Clip {
  return clipOf(place.editor, sceneNow(place), place.editor.document.getState().selection);
}

function add({ editor, tell }: Workplace, pasted: Pasted): void {
  if (pasted.refused > 0) tell(t("tell.would_contain_itself"), "error");
  editor.perform(pasted.edit);
  const ids = idsOf(pasted);
  if (ids.length > 0) editor.select(ids);
}

/** Say that the browser keeps the clipboard from the page. */
function refused({ tell }: Workplace, error: unknown): false {
  if (!(error instanceof DOMException)) throw error;
  tell(t("tell.no_clipboard"), "error");
  return false;
}
