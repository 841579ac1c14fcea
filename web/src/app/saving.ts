/** Documents on the server: saving them there, opening them, and what to do when somebody else saved first. */
import { ApiError, type Document } from "../api/client";
import * as library from "../api/library";
import type { OpenedWorkflow, WorkflowEntry } from "../api/types";
import type { Workflow } from "../graph/document";
import { asWorkflow, UnreadableError } from "../graph/read";
import { t } from "../i18n";
import { settle, upToDate } from "./files";
import type { ServerFile } from "./keep/drafts";
import type { Tab } from "./tabs";
import type { Workplace } from "./workplace";

const fileOf = ({ id, etag, version }: WorkflowEntry): ServerFile => ({ id, etag, version });

/** The saves of a tab, one after the other: each starts from the version that the one before has made. */
const turns = new WeakMap<Tab, Promise<unknown>>();

function inTurn<T>(tab: Tab, work: () => Promise<T>): Promise<T> {
  const done = (turns.get(tab) ?? Promise.resolve()).then(work);
  // What fails is told to whoever asked for it, and holds up no save behind it.
  const over = done.then(
    () => undefined,
    () => undefined,
  );
  turns.set(tab, over);
  void over.then(() => turns.get(tab) === over && turns.delete(tab));
  return done;
}

/** Save a tab's document where it is saved already, or under a fresh id. Returns whether it is saved. */
export function save(place: Workplace, tab: Tab = place.tabs.active): Promise<boolean> {
  return inTurn(tab, () => keep(place, tab, tab.place.getState().file));
}

/** Save a tab's document under a fresh id; the tab goes on with that one. */
export function saveAsNew(place: Workplace, tab: Tab = place.tabs.active): Promise<boolean> {
  return inTurn(tab, () => keep(place, tab, null));
}

/** Save a tab's document quietly, where nothing stands in the way and no other save goes on; for saving by itself. */
export function saveQuietly(tab: Tab): void {
  if (turns.has(tab)) return;
  void inTurn(tab, async () => {
    const { workflow } = tab.editor;
    const { file } = tab.place.getState();
    if (!file) return;
    try {
      taken(tab, workflow, await write(workflow, file));
    } catch (error) {
      // Whatever is in the way is asked about when the user saves.
      if (!(error instanceof ApiError)) throw error;
    }
  });
}

async function keep(place: Workplace, tab: Tab, file: ServerFile | null): Promise<boolean> {
  const { workflow } = tab.editor;
  try {
    taken(tab, workflow, await write(workflow, file));
    place.tell(t("tell.saved", { name: workflow.title || t("app.untitled") }));
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 412 && file) return settleConflict(place, tab, file.id);
    place.tell(t("tell.not_saved", { message: error.message }), "error");
    return false;
  }
}

function write(workflow: Workflow, file: ServerFile | null): Promise<WorkflowEntry> {
  const document = workflow as unknown as Document;
  return file ? library.saveWorkflow(file.id, file.etag, document) : library.createWorkflow(document);
}

function taken(tab: Tab, workflow: Workflow, entry: WorkflowEntry): void {
  tab.place.setState({ file: fileOf(entry) });
  tab.editor.markSaved(workflow);
}

/**
 * Somebody else saved since: nothing is overwritten unless the user says so, and then as one more version. What was
 * deleted meanwhile is kept anew, under an id of its own.
 */
async function settleConflict(place: Workplace, tab: Tab, id: string): Promise<boolean> {
  let theirs: OpenedWorkflow;
  try {
    theirs = await library.openWorkflow(id);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return keep(place, tab, null);
    place.tell(t("tell.not_saved", { message: error.message }), "error");
    return false;
  }
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
  if (answer === "copy") return keep(place, tab, null);
  if (answer === "over") return keep(place, tab, fileOf(theirs));
  if (answer === "see") await show(place, theirs, null);
  return false;
}

/** Open a saved workflow in a tab, or go to the tab that has it. */
export async function openSaved(place: Workplace, id: string): Promise<void> {
  const open = place.tabs.list.find((tab) => tab.place.getState().file?.id === id);
  if (open) return place.tabs.activate(open);
  await attempt(place, async () => {
    const opened = await library.openWorkflow(id);
    await show(place, opened, fileOf(opened));
  });
}

/** Open an earlier version in a tab of its own, to look at or to save as another workflow. */
export async function openVersion(place: Workplace, id: string, version: number): Promise<void> {
  await attempt(place, async () => show(place, await library.openVersion(id, version), null));
}

async function show(place: Workplace, opened: OpenedWorkflow, file: ServerFile | null): Promise<void> {
  try {
    const saved = asWorkflow(opened.workflow as never);
    // Nodes that were brought to newer versions are a change, which the user saves or not.
    place.tabs.open(await upToDate(place, saved), { file, saved });
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
