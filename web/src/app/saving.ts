/** Documents on the server: saving them there, opening them, and what to do when somebody else saved first. */
import { ApiError, type Document } from "../api/client";
import * as library from "../api/library";
import type { OpenedWorkflow, WorkflowEntry } from "../api/types";
import type { Workflow } from "../graph/document";
import { asWorkflow, UnreadableError } from "../graph/read";
import { t } from "../i18n";
import { settle } from "./files";
import type { ServerFile } from "./keep/drafts";
import type { Tab } from "./tabs";
import type { Workplace } from "./workplace";

const fileOf = ({ id, etag, version }: WorkflowEntry): ServerFile => ({ id, etag, version });

/** Save a tab's document where it is saved already, or under a fresh id. Returns whether it is saved. */
export async function save(place: Workplace, tab: Tab = place.tabs.active): Promise<boolean> {
  const { workflow } = tab.editor;
  const { file } = tab.place.getState();
  try {
    taken(tab, workflow, await write(workflow, file));
    place.tell(t("tell.saved", { name: workflow.title || t("app.untitled") }));
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 412 && file) return settleConflict(place, tab, file.id);
    // Deleted meanwhile: it is kept anew, under an id of its own.
    if (error.status === 404 && file) return saveAsNew(place, tab);
    place.tell(t("tell.not_saved", { message: error.message }), "error");
    return false;
  }
}

/** Save a tab's document quietly, where nothing stands in the way; for saving by itself. */
export async function saveQuietly(tab: Tab): Promise<void> {
  const { workflow } = tab.editor;
  const { file } = tab.place.getState();
  if (!file) return;
  try {
    taken(tab, workflow, await write(workflow, file));
  } catch (error) {
    // Whatever is in the way is asked about when the user saves.
    if (!(error instanceof ApiError)) throw error;
  }
}

/** Save a tab's document under a fresh id; the tab goes on with that one. */
export async function saveAsNew(place: Workplace, tab: Tab = place.tabs.active): Promise<boolean> {
  tab.place.setState({ file: null });
  return save(place, tab);
}

function write(workflow: Workflow, file: ServerFile | null): Promise<WorkflowEntry> {
  const document = workflow as unknown as Document;
  return file ? library.saveWorkflow(file.id, file.etag, document) : library.createWorkflow(document);
}

function taken(tab: Tab, workflow: Workflow, entry: WorkflowEntry): void {
  tab.place.setState({ file: fileOf(entry) });
  tab.editor.markSaved(workflow);
}

/** Somebody else saved since: nothing is overwritten unless the user says so, and then as one more version. */
async function settleConflict(place: Workplace, tab: Tab, id: string): Promise<boolean> {
  const theirs = await library.openWorkflow(id);
  const answer = await place.ask({
    title: t("ask.conflict", { name: theirs.title || id }),
    text: t("ask.conflict_text", { version: theirs.version }),
    answers: [
      { id: "over", label: t("ask.conflict_over"), kind: "danger" },
      { id: "see", label: t("ask.conflict_see") },
      { id: "copy", label: t("ask.conflict_copy"), kind: "main" },
      { id: "cancel", label: t("ask.cancel") },
    ],
  });
  if (answer === "copy") return saveAsNew(place, tab);
  if (answer === "over") {
    tab.place.setState({ file: fileOf(theirs) });
    return save(place, tab);
  }
  if (answer === "see") show(place, theirs, null);
  return false;
}

/** Open a saved workflow in a tab, or go to the tab that has it. */
export async function openSaved(place: Workplace, id: string): Promise<void> {
  const open = place.tabs.list.find((tab) => tab.place.getState().file?.id === id);
  if (open) return place.tabs.activate(open);
  await attempt(place, async () => {
    const opened = await library.openWorkflow(id);
    show(place, opened, fileOf(opened));
  });
}

/** Open an earlier version in a tab of its own, to look at or to save as another workflow. */
export async function openVersion(place: Workplace, id: string, version: number): Promise<void> {
  await attempt(place, async () => show(place, await library.openVersion(id, version), null));
}

function show(place: Workplace, opened: OpenedWorkflow, file: ServerFile | null): void {
  try {
    place.tabs.open(asWorkflow(opened.workflow as never), { file });
    settle(place);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    place.tell(t("tell.unreadable", { message: error.message }), "error");
  }
}

/** Do something that the server may refuse, and say so when it does. Returns whether it was done. */
export async function attempt(place: Workplace, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    place.tell([error.message, error.hint].filter(Boolean).join(". "), "error");
    return false;
  }
}
