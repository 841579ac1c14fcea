/** Commands that open and keep documents. */

import { EMPTY_WORKFLOW, nodesOf } from "../../graph/document";
import { writeWorkflow } from "../../graph/read";
import { askForFile, download, openFile } from "../files";
import type { Workplace } from "../workplace";
import { tidy } from "./arrange";
import { type Command, command } from "./command";
import { jumpToAll } from "./view";

export const FILES_COMMANDS: readonly Command[] = [
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
];

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
  jumpToAll(place);
}
