/** What may stand in the way of saving a tab, in words, and the ways out of it. */
import { ApiError } from "../api/client";
import * as library from "../api/library";
import type { WorkflowEntry } from "../api/types";
import { type TextKey, t } from "../i18n";
import type { ServerFile } from "./keep/drafts";
import type { Tab, Trouble } from "./tabs";

export const fileOf = ({ id, etag, version }: WorkflowEntry): ServerFile => ({ id, etag, version });

export const nameOf = (tab: Tab) => tab.editor.workflow.title || t("app.untitled");

export type Choice = "over" | "theirs" | "see" | "copy" | "anew" | "again";

type Answer = { readonly id: Choice; readonly label: TextKey; readonly kind?: "main" | "danger" };

const ANSWERS: { readonly [kind in Trouble["kind"]]: readonly Answer[] } = {
  newer: [
    { id: "over", label: "ask.conflict_over", kind: "main" },
    { id: "theirs", label: "ask.conflict_theirs" },
    { id: "see", label: "ask.conflict_see" },
    { id: "copy", label: "ask.conflict_copy" },
  ],
  deleted: [
    { id: "anew", label: "ask.conflict_anew", kind: "main" },
    { id: "copy", label: "ask.conflict_copy" },
  ],
  refused: [
    { id: "again", label: "ask.conflict_again", kind: "main" },
    { id: "copy", label: "ask.conflict_copy" },
  ],
};

/** The ways out of a trouble, with their labels. */
export function choicesOf(trouble: Trouble) {
  return ANSWERS[trouble.kind].map(({ label, ...answer }) => ({ ...answer, label: t(label) }));
}

/** What a refused save says about the file; null where the server was only out of reach. */
export async function troubleOf(error: ApiError, file: ServerFile): Promise<Trouble | null> {
  if (error.status === 0) return null;
  if (error.status !== 412) return { kind: "refused", message: error.message };
  try {
    return { kind: "newer", theirs: fileOf(await library.openWorkflow(file.id)) };
  } catch (later) {
    if (!(later instanceof ApiError)) throw later;
    return later.status === 404 ? { kind: "deleted" } : troubleOf(later, file);
  }
}

/** What stands in the way of saving a tab, in a sentence. */
export function sayTrouble(tab: Tab, trouble: Trouble): string {
  const name = nameOf(tab);
  if (trouble.kind === "newer") return t("trouble.newer", { name, version: trouble.theirs.version });
  if (trouble.kind === "deleted") return t("trouble.deleted", { name });
  return t("trouble.refused", { name, message: trouble.message });
}
