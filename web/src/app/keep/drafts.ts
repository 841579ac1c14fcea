/**
 * The tabs as they were when the page went away, kept in this browser: a record for each window (which tabs, in what
 * order) and one for each tab. Nothing of it is sent anywhere.
 */
import type { ViewState } from "../../editor/store";
import { isEmpty, type Workflow } from "../../graph/document";
import { asWorkflow, UnreadableError } from "../../graph/read";
import { type Entry, entries, write } from "./store";
import { ownWindow } from "./windows";

/** The workflow on the server that a tab shows, and the version that it started from. */
export type ServerFile = { readonly id: string; readonly etag: string; readonly version: number };

export type Draft = {
  readonly workflow: Workflow;
  /** The document as it was last saved; null when it is the same. */
  readonly saved: Workflow | null;
  readonly file: ServerFile | null;
  readonly job: string | null;
  readonly viewport: ViewState["viewport"] | null;
};

type WindowRecord = { readonly tabs: readonly string[]; readonly active: string; readonly at: number };

export type Restored = {
  /** This page's window. */
  readonly window: string;
  readonly tabs: readonly (readonly [id: string, draft: Draft])[];
  readonly active: string | null;
};

const DRAFT = "draft.";
const WINDOW = "window.";

/** Become a window, and read the drafts of its tabs. */
export async function restoreTabs(): Promise<Restored> {
  const windows = new Map((await entries(WINDOW)).map(([key, value]) => [key.slice(WINDOW.length), asRecord(value)]));
  const byUse = [...windows.keys()].sort((one, other) => (windows.get(other)?.at ?? 0) - (windows.get(one)?.at ?? 0));
  const own = await ownWindow(byUse);
  const drafts = new Map(
    (await entries(DRAFT)).flatMap(([key, value]) => {
      const draft = asDraft(value);
      return draft ? [[key.slice(DRAFT.length), draft] as const] : [];
    }),
  );
  const isReload = own.takes.includes(own.id);
  const ids = own.takes.flatMap((id) => windows.get(id)?.tabs ?? []);
  const tabs = ids.flatMap((id) => {
    const draft = drafts.get(id);
    // An empty tab of a window that is gone is nothing to bring back.
    return draft && (isReload || !isBlank(draft)) ? [[id, draft] as const] : [];
  });
  const active = windows.get(own.takes[0] ?? "")?.active ?? null;
  if (!isReload && own.takes.length > 0) {
    // From now on the tabs are this window's; in one step, so that a crash in between loses none.
    const taken = tabs.map(([id]) => id);
    const record: WindowRecord = { tabs: taken, active: active ?? "", at: Date.now() };
    const left = ids.filter((id) => drafts.has(id) && !taken.includes(id));
    await write([[WINDOW + own.id, record]], [...own.takes.map((id) => WINDOW + id), ...left.map((id) => DRAFT + id)]);
  }
  return { window: own.id, tabs, active };
}

/** Keep drafts of tabs, and which tabs the window has. */
export function keep(
  window: string,
  tabs: readonly string[],
  active: string,
  drafts: ReadonlyMap<string, Draft>,
  closed: readonly string[],
): Promise<void> {
  const record: WindowRecord = { tabs, active, at: Date.now() };
  const put = [...drafts].map(([id, draft]): Entry => [DRAFT + id, draft]);
  return write(
    [[WINDOW + window, record], ...put],
    closed.map((id) => DRAFT + id),
  );
}

function isBlank({ workflow, file }: Draft): boolean {
  return file === null && !workflow.title && isEmpty(workflow);
}

function asRecord(value: unknown): WindowRecord {
  const { tabs, active, at } = (value ?? {}) as Partial<WindowRecord>;
  return {
    tabs: Array.isArray(tabs) ? tabs.filter((id) => typeof id === "string") : [],
    active: typeof active === "string" ? active : "",
    at: typeof at === "number" ? at : 0,
  };
}

/** A draft as it was kept, or null when an older editor wrote something else there. */
function asDraft(value: unknown): Draft | null {
  const data = (value ?? {}) as Draft;
  try {
    return {
      workflow: asWorkflow(data.workflow as never),
      saved: data.saved === null ? null : asWorkflow(data.saved as never),
      file: data.file ?? null,
      job: data.job ?? null,
      viewport: data.viewport ?? null,
    };
  } catch (error) {
    if (error instanceof UnreadableError) return null;
    throw error;
  }
}
