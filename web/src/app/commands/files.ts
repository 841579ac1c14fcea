/** Commands that open and keep documents. */

import { writeWorkflow } from "../../graph/read";
import { askForFile, download, openFile } from "../files";
import { type Command, command } from "./command";

export const FILES_COMMANDS: readonly Command[] = [
  command("open", "cmd.open", ["mod+o"], (place) => askForFile((file) => void openFile(place, file)), true),
  command("save", "cmd.save", ["mod+s"], ({ editor }) => download(editor), true),
  command(
    "copy_json",
    "cmd.copy_json",
    [],
    ({ editor }) => void navigator.clipboard.writeText(writeWorkflow(editor.workflow)),
  ),
];
