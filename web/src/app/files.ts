/** Documents from files and to files: JSON, and media that carry the workflow which made them. */
import type { Editor } from "../editor/store";
import { nodesOf, type Workflow } from "../graph/document";
import { readWorkflow, UnreadableError, writeWorkflow } from "../graph/read";
import { t } from "../i18n";
import { embeddedWorkflow } from "../media/embedded";
import { tidy } from "./commands/arrange";
import { jumpToAll } from "./commands/view";
import type { Opening, Tab } from "./tabs";
import type { Workplace } from "./workplace";

const MEDIA = /\.(mp4|m4v|mov|png)$/i;
export const OPENABLE = ".json,.mp4,.m4v,.mov,.png";

/** Open the workflow of a file in a tab; says so when there is none. */
export async function openFile(place: Workplace, file: File): Promise<void> {
  const text = MEDIA.test(file.name) ? embeddedWorkflow(await file.arrayBuffer()) : await file.text();
  if (text === null) place.tell(t("tell.no_workflow", { name: file.name }), "error");
  else openText(place, text, file.name);
}

/** Open a workflow given as text, in a tab, and show all of it. Returns the tab, or null when it cannot be read. */
export function openText(place: Workplace, text: string, name: string, opening: Opening = {}): Tab | null {
  let workflow: Workflow;
  try {
    workflow = readWorkflow(text);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    const message = error.path ? `${error.path}: ${error.message}` : error.message;
    place.tell(t("tell.unreadable", { message }), "error");
    return null;
  }
  const tab = place.tabs.open(workflow, opening);
  settle(place);
  place.tell(t("tell.opened", { name: workflow.title || name }));
  return tab;
}

/** After a document was opened: lay out what has no place, and show all of it. */
function settle(place: Workplace): void {
  const nodes = Object.values(nodesOf(place.editor.scope));
  if (nodes.length > 1 && nodes.every((node) => node.at === undefined)) tidy(place);
  jumpToAll(place);
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
