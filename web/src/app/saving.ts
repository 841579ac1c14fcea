/** Saves documents on the server: one after the other, never over what somebody else saved without the user's word. */
import { ApiError, type Document } from "../api/client";
import * as library from "../api/library";
import type { WorkflowEntry } from "../api/types";
import type { Workflow } from "../graph/document";
import { replaceAll } from "../graph/edits";
import { asWorkflow } from "../graph/read";
import { t } from "../i18n";
import { upToDate } from "./files";
import type { ServerFile } from "./keep/drafts";
import { attempt, openNewest } from "./opening";
import type { Tab } from "./tabs";
import { type Choice, choicesOf, fileOf, nameOf, sayTrouble, troubleOf } from "./trouble";
import type { Workplace } from "./workplace";

/** What came of a save; what stands in its way is the tab's trouble then. */
type Outcome = "saved" | "refused" | "in_the_way";

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

/** Save a tab's document where it is saved already, or as a new workflow. Returns whether it is saved. */
export async function save(place: Workplace, tab: Tab = place.tabs.active): Promise<boolean> {
  if (tab.place.getState().file === null && !tab.editor.workflow.title) return saveAs(place, tab);
  return finish(place, tab, await inTurn(tab, () => keep(place, tab, tab.place.getState().file)));
}

/** Ask for a name, and save a tab's document as a new workflow of that name; the tab goes on with that one. */
export async function saveAs(place: Workplace, tab: Tab = place.tabs.active): Promise<boolean> {
  const { title } = tab.editor.workflow;
  const isNew = tab.place.getState().file === null;
  const name = await place.askName({
    title: t("cmd.save_as"),
    label: t("workflows.name"),
    name: isNew ? (title ?? "") : t("tab.copy_of", { name: nameOf(tab) }),
    accept: t("cmd.save"),
  });
  return name !== null && finish(place, tab, await inTurn(tab, () => keep(place, tab, null, name)));
}

/** Save a tab's document as the version after `file`, whatever it started from. */
export async function saveOver(place: Workplace, tab: Tab, file: ServerFile | null): Promise<boolean> {
  return finish(place, tab, await inTurn(tab, () => keep(place, tab, file)));
}

async function finish(place: Workplace, tab: Tab, outcome: Outcome): Promise<boolean> {
  return outcome === "in_the_way" ? settleTrouble(place, tab) : outcome === "saved";
}

/**
 * Save a tab's document where nothing stands in the way and no other save goes on; for saving by itself. `onTrouble`
 * hears once of what stands in the way: from then on the tab itself tells it.
 */
export function saveQuietly(tab: Tab, onTrouble: (said: string) => void): void {
  if (turns.has(tab)) return;
  void inTurn(tab, async () => {
    const { workflow } = tab.editor;
    const { file, trouble } = tab.place.getState();
    if (!file) return;
    try {
      taken(tab, workflow, await write(workflow, file));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const found = await troubleOf(error, file);
      if (found === null) return;
      tab.place.setState({ trouble: found });
      if (found.kind !== trouble?.kind) onTrouble(sayTrouble(tab, found));
    }
  });
}

async function keep(place: Workplace, tab: Tab, file: ServerFile | null, title?: string): Promise<Outcome> {
  const now = tab.editor.workflow;
  const workflow = title === undefined ? now : { ...now, title };
  try {
    const entry = await write(workflow, file);
    if (title !== undefined) tab.editor.rename(title);
    taken(tab, workflow, entry);
    place.tell(t("tell.saved", { name: nameOf(tab) }));
    return "saved";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const trouble = file && (await troubleOf(error, file));
    // What was deleted meanwhile is kept anew, under an id of its own.
    if (trouble?.kind === "deleted") return keep(place, tab, null);
    if (trouble?.kind === "newer") {
      tab.place.setState({ trouble });
      return "in_the_way";
    }
    place.tell(t("tell.not_saved", { message: error.message }), "error");
    return "refused";
  }
}

/** Rename a saved workflow; a tab that has its newest version goes on from the renamed one. */
export async function rename({ tabs }: Workplace, id: string, title: string): Promise<void> {
  const renamed = await library.renameWorkflow(id, title);
  for (const tab of tabs.list) {
    const { file } = tab.place.getState();
    if (file?.id !== id || file.version !== renamed.version - 1) continue;
    const { saved } = tab.editor.document.getState();
    tab.editor.rename(title);
    taken(tab, { ...saved, title }, renamed);
  }
}

function write(workflow: Workflow, file: ServerFile | null): Promise<WorkflowEntry> {
  const document = workflow as unknown as Document;
  return file ? library.saveWorkflow(file.id, file.etag, document) : library.createWorkflow(document);
}

function taken(tab: Tab, workflow: Workflow, entry: WorkflowEntry): void {
  tab.place.setState({ file: fileOf(entry), trouble: null });
  tab.editor.markSaved(workflow);
}

/** Ask what to do about what stands in the way of saving a tab, and do it. Returns whether it is saved. */
export async function settleTrouble(place: Workplace, tab: Tab): Promise<boolean> {
  const { trouble } = tab.place.getState();
  if (trouble === null) return true;
  const answer = await place.ask({
    title: sayTrouble(tab, trouble),
    text: t(`ask.conflict_text.${trouble.kind}`),
    answers: [...choicesOf(trouble), { id: "cancel", label: t("ask.cancel") }],
  });
  return answer !== null && answer !== "cancel" && choose(place, tab, answer as Choice);
}

/** Do what the user chose about a tab's trouble. Returns whether its document is the one on the server now. */
export async function choose(place: Workplace, tab: Tab, choice: Choice): Promise<boolean> {
  const { file, trouble } = tab.place.getState();
  if (choice === "copy") return saveAs(place, tab);
  if (choice === "anew") return saveOver(place, tab, null);
  if (choice === "again" || trouble?.kind !== "newer") return save(place, tab);
  if (choice === "over") return saveOver(place, tab, trouble.theirs);
  if (choice === "theirs") return takeTheirs(place, tab, trouble.theirs.id);
  await openNewest(place, file?.id ?? trouble.theirs.id);
  return false;
}

/** Put the newest saved version in the place of the tab's document: one step, which undo takes back. */
function takeTheirs(place: Workplace, tab: Tab, id: string): Promise<boolean> {
  return attempt(place, async () => {
    const opened = await library.openWorkflow(id);
    const saved = asWorkflow(opened.workflow as never);
    tab.editor.perform(replaceAll(await upToDate(place, saved), opened.version));
    tab.editor.markSaved(saved);
    tab.place.setState({ file: fileOf(opened), trouble: null });
    place.tell(t("tell.taken", { name: nameOf(tab), version: opened.version }));
  });
}
