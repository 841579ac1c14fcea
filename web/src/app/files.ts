/** Documents from files and to files: JSON, and media that carry the workflow which made them. */
import { ApiError, type Document } from "../api/client";
import { extract, migrate } from "../api/library";
import type { Editor } from "../editor/store";
import { nodesOf, type Workflow } from "../graph/document";
import { asWorkflow, readWorkflow, UnreadableError, writeWorkflow } from "../graph/read";
import { t } from "../i18n";
import { embeddedWorkflow } from "../media/embedded";
import { tidy } from "./commands/tidy";
import { jumpToAll } from "./commands/view";
import { fileName } from "./copyAs";
import type { Opening, Tab } from "./tabs";
import type { Workplace } from "./workplace";

const READABLE = /\.(mp4|m4v|mov|png)$/i;
const TEXT = /\.json$/i;
export const OPENABLE = ".json,.mp4,.m4v,.mov,.mkv,.webm,.gif,.webp,.png,.exr,.wav,.flac,.mp3,.m4a,.opus,.zip";

/** What is in a file: a workflow, none, or nothing that could be read, which was told then. */
type Found = { readonly kind: "workflow"; readonly text: string } | { readonly kind: "none" | "refused" };

/** Open the workflow of a file in a tab; says so when there is none. */
export async function openFile(place: Workplace, file: File): Promise<void> {
  const found = await readFile(place, file);
  if (found.kind === "workflow") await openText(place, found.text, file.name);
  else if (found.kind === "none") place.tell(t("tell.no_workflow", { name: file.name }), "error");
}

/** Look for the workflow in a file. What the browser cannot take apart itself is sent to the server. */
export async function readFile(place: Workplace, file: File): Promise<Found> {
  if (TEXT.test(file.name)) return { kind: "workflow", text: await file.text() };
  const here = READABLE.test(file.name) ? embeddedWorkflow(await file.arrayBuffer()) : null;
  if (here !== null) return { kind: "workflow", text: here };
  try {
    return { kind: "workflow", text: JSON.stringify((await extract(file)).workflow) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return { kind: "none" };
    place.tell(error.message, "error");
    return { kind: "refused" };
  }
}

/** Open a workflow given as text, in a tab, and show all of it. Returns the tab, or null when it cannot be read. */
export async function openText(
  place: Workplace,
  text: string,
  name: string,
  opening: Opening = {},
): Promise<Tab | null> {
  let workflow: Workflow;
  try {
    workflow = await upToDate(place, readWorkflow(text));
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

/** A document with its nodes at the versions that are installed: the server knows how, the browser never guesses. */
export async function upToDate(place: Workplace, workflow: Workflow): Promise<Workflow> {
  try {
    const { workflow: migrated, changes } = await migrate(workflow as unknown as Document);
    if (changes.length === 0) return workflow;
    place.tell(t("tell.migrated", { count: changes.length }));
    return asWorkflow(migrated as never);
  } catch (error) {
    // Without the server, or when it refuses, the document is shown as it is; validation says what is wrong with it.
    if (!(error instanceof ApiError)) throw error;
    return workflow;
  }
}

/** After a document was opened: lay out what has no place, and show all of it. */
export function settle(place: Workplace): void {
  const nodes = Object.values(nodesOf(place.editor.scope));
  if (nodes.length > 1 && nodes.every((node) => node.at === undefined)) tidy(place);
  jumpToAll(place);
}

export function download(editor: Editor): void {
  const url = URL.createObjectURL(new Blob([writeWorkflow(editor.workflow)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName(editor.workflow);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
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
