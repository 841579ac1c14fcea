/** The document as it was when the page went away, kept in this browser. A draft is never sent anywhere. */
import type { Editor, ViewState } from "../editor/store";
import type { Workflow } from "../graph/document";
import { asWorkflow, UnreadableError } from "../graph/read";

const KEY = "kinegraph.draft";
const DELAY_MS = 300;

export type Draft = {
  readonly workflow: Workflow;
  readonly saved: Workflow | null;
  readonly job: string | null;
  readonly viewport: ViewState["viewport"] | null;
};

/** The draft of the last visit, or null. */
export function loadDraft(): Draft | null {
  const text = localStorage.getItem(KEY);
  if (text === null) return null;
  try {
    const data = JSON.parse(text);
    return {
      workflow: asWorkflow(data.workflow),
      saved: data.saved === null ? null : asWorkflow(data.saved),
      job: data.job ?? null,
      viewport: data.viewport ?? null,
    };
  } catch (error) {
    if (error instanceof UnreadableError || error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

/** Keep a draft of whatever changes; returns what ends it. */
export function keepDrafts(editor: Editor, shownJob: () => string | null, onFull: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = () => {
    clearTimeout(timer);
    const { saved } = editor.document.getState();
    const draft: Draft = {
      workflow: editor.workflow,
      saved: saved === editor.workflow ? null : saved,
      job: shownJob(),
      viewport: editor.view.getState().viewport,
    };
    try {
      localStorage.setItem(KEY, JSON.stringify(draft));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      onFull();
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(write, DELAY_MS);
  };
  const stops = [
    editor.document.subscribe((state, before) => state.history.document !== before.history.document && soon()),
    editor.view.subscribe((state, before) => state.viewport !== before.viewport && soon()),
  ];
  window.addEventListener("pagehide", write);
  return () => {
    window.removeEventListener("pagehide", write);
    for (const stop of stops) stop();
    write();
  };
}
