/** Documents from files and to files: JSON, and media that carry the workflow which made them. */
import type { Services } from "../editor/context";
import type { Editor } from "../editor/store";
import { readWorkflow, UnreadableError, writeWorkflow } from "../graph/read";
import { t } from "../i18n";
import { embeddedWorkflow } from "../media/embedded";

const MEDIA = /\.(mp4|m4v|mov|png)$/i;
export const OPENABLE = ".json,.mp4,.m4v,.mov,.png";

/** Open the workflow of a file; says so when there is none. Returns whether it was opened. */
export async function openFile(editor: Editor, file: File, tell: Services["tell"]): Promise<boolean> {
  const text = MEDIA.test(file.name) ? embeddedWorkflow(await file.arrayBuffer()) : await file.text();
  if (text === null) {
    tell(t("tell.no_workflow", { name: file.name }), "error");
    return false;
  }
  return openText(editor, text, file.name, tell);
}

export function openText(editor: Editor, text: string, name: string, tell: Services["tell"]): boolean {
  try {
    editor.open(readWorkflow(text));
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    tell(t("tell.unreadable", { message: error.path ? `${error.path}: ${error.message}` : error.message }), "error");
    return false;
  }
  tell(t("tell.opened", { name: editor.workflow.title || name }));
  return true;
}

export function download(editor: Editor): void {
  const name = (editor.workflow.title || t("app.untitled")).toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "_");
  const url = URL.createObjectURL(new Blob([writeWorkflow(editor.workflow)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  editor.markSaved();
}

/** Let the user choose a file to open. */
export function askForFile(onFile: (file: File) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = OPENABLE;
  input.onchange = () => {
    const file = input.files?.[0];
    if (file) onFile(file);
  };
  input.click();
}

/** The templates that come with the editor, loaded when one is opened. */
const files = import.meta.glob<string>("../../../workflows/*.json", { query: "?raw", import: "default" });

export const TEMPLATES = Object.entries(files)
  .map(([path, load]) => ({ name: path.slice(path.lastIndexOf("/") + 1, -".json".length), load }))
  .sort((one, other) => order(one.name) - order(other.name) || one.name.localeCompare(other.name));

/** What most people come for stands first. */
function order(name: string): number {
  return name === "text_to_video" ? 0 : 1;
}
