/** Commands that open, keep and pass on documents. */

import { writeWorkflow } from "../../graph/read";
import { t } from "../../i18n";
import { type CopyKind, copyText } from "../copyAs";
import { askForFile, download, openFile } from "../files";
import { save, saveAs } from "../saving";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

export const FILES_COMMANDS: readonly Command[] = [
  command("open", "cmd.open", ["mod+o"], (place) => askForFile((file) => void openFile(place, file)), true),
  command("save", "cmd.save", ["mod+s"], (place) => void save(place), true),
  command("save_as", "cmd.save_as", [], (place) => void saveAs(place)),
  command("download", "cmd.download", ["mod+shift+s"], ({ editor }) => download(editor), true),
  command("copy_json", "cmd.copy_json", [], (place) => put(place, writeWorkflow(place.editor.workflow))),
  command("copy_cli", "cmd.copy_cli", [], copyAs("cli")),
  command("copy_curl", "cmd.copy_curl", [], copyAs("curl")),
  command("copy_python", "cmd.copy_python", [], copyAs("python")),
];

function copyAs(kind: CopyKind): (place: Workplace) => void {
  return (place) => put(place, copyText(kind, place.editor.workflow, window.location.origin));
}

function put({ tell }: Workplace, text: string): void {
  navigator.clipboard.writeText(text).then(
    () => tell(t("tell.on_clipboard")),
    () => tell(t("tell.no_clipboard"), "error"),
  );
}
