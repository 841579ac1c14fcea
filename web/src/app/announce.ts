/** What is said of edits, choices and runs to those who do not see the canvas: beginnings and ends, no progress. Pure. */
import { titleIn } from "../canvas/keyboard/say";
import type { DocumentState, ViewState } from "../editor/store";
import { nodesOf } from "../graph/document";
import { t, tDynamic } from "../i18n";
import type { RunState } from "../run/state";

/** Steps of which the field that one types in speaks itself. */
const SPOKEN = new Set(["set", "edit_note"]);

type Edited = Pick<DocumentState, "history">;
type Chosen = Pick<DocumentState, "selection" | "links">;

/** The step that was done, undone or done again between two states of a document; null when there is nothing to say. */
export function editInWords({ history: before }: Edited, { history: now }: Edited): string | null {
  const by = now.past.length - before.past.length;
  const step = by < 0 ? before.past.at(-1) : now.past.at(-1);
  if (!step || by === 0) return null;
  const name = tDynamic(`step.${step.label.key}`, step.label);
  if (by < 0) return t("say.undone", { name });
  if (now.future.length > 0 || before.future.at(-1)?.label === step.label) return t("say.redone", { name });
  return SPOKEN.has(step.label.key) ? null : name;
}

/** How much is selected, where that is not one card: the one says its name itself when it takes the focus. */
export function choiceInWords(before: Chosen, now: Chosen): string | null {
  const [was, is] = [before.selection.size, now.selection.size];
  if (before.links !== now.links && now.links.length > 0) return t("say.link_chosen", { count: now.links.length });
  if (was === is || before.selection === now.selection) return null;
  if (is === 1) return was > 1 ? t("say.chosen_one") : null;
  return is === 0 ? t("say.chosen_none") : t("say.chosen", { count: is });
}

/** What to do next with a link that was begun; null for what is no beginning. */
export function linkInWords(before: ViewState["connecting"], now: ViewState["connecting"]): string | null {
  if (before !== null || now === null) return null;
  const { end, side } = now.from;
  const name = side === "output" ? end.output : end.input;
  return t("say.linking", { name });
}

/** Whether a job began or ended between two states. */
export function runInWords(before: RunState, now: RunState, document: DocumentState): string | null {
  if (before.jobs === now.jobs) return null;
  const known = new Map(before.jobs.map(({ entry }) => [entry.id, entry.state]));
  // A job that is first heard of after its end, in the history of another visit, is no news.
  const isNews = (id: string, state: string) => known.has(id) && known.get(id) !== state;
  const is = now.jobs.find(({ entry }) => isNews(entry.id, entry.state))?.entry;
  if (!is) return null;
  if (is.state === "running") return t("say.started");
  if (is.state === "succeeded") return t("say.finished");
  if (is.state === "canceled") return t("say.canceled");
  // That one was interrupted is a message, which is read out anyway.
  if (is.state !== "failed") return null;
  const message = is.error?.message ?? t("queue.failed");
  const shown = is.id === now.shown ? now.nodes : {};
  const failed = is.error?.node ?? Object.keys(shown).find((id) => shown[id]?.state === "failed");
  return failed ? t("say.failed_at", { node: titleOf(document, failed), message }) : t("say.failed", { message });
}

/** The title of a node of the run; of one in a subgraph, that of the outermost node around it. */
function titleOf({ history, definitions }: DocumentState, id: string): string {
  const [outer = id] = id.split("/");
  return nodesOf(history.document)[outer] ? titleIn(history.document, definitions, outer) : id;
}
