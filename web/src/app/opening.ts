/** Opens documents that are saved on the server. */
import { ApiError } from "../api/client";
import * as library from "../api/library";
import type { OpenedWorkflow } from "../api/types";
import { asWorkflow, UnreadableError } from "../graph/read";
import { t } from "../i18n";
import { settle, upToDate } from "./files";
import type { ServerFile } from "./keep/drafts";
import { fileOf } from "./trouble";
import type { Workplace } from "./workplace";

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

/** Open the newest version in a tab of its own, beside the one that has changes to an older one. */
export async function openNewest(place: Workplace, id: string): Promise<void> {
  await attempt(place, async () => show(place, await library.openWorkflow(id), null));
}

async function show(place: Workplace, opened: OpenedWorkflow, file: ServerFile | null): Promise<void> {
  const saved = asWorkflow(opened.workflow as never);
  // Nodes that were brought to newer versions are a change, which the user saves or not.
  place.tabs.open(await upToDate(place, saved), { file, saved });
  settle(place);
}

/** Do something that the server may refuse, or whose answer cannot be read; says so. Returns whether it was done. */
export async function attempt(place: Workplace, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (error instanceof UnreadableError) place.tell(t("tell.unreadable", { message: error.message }), "error");
    else if (error instanceof ApiError) place.tell([error.message, error.hint].filter(Boolean).join(". "), "error");
    else throw error;
    return false;
  }
}
