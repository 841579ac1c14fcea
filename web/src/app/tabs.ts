/** The open documents of a window: each with its editor, its runs and its place on the server; one of them in view. */
import { createStore, type StoreApi } from "zustand/vanilla";
import { isChanged } from "../editor/changed";
import type { Services } from "../editor/context";
import { Editor } from "../editor/store";
import { EMPTY_WORKFLOW, isEmpty, type Workflow } from "../graph/document";
import type { Connection } from "./connection";
import type { Draft, ServerFile } from "./keep/drafts";
import { freshKey } from "./keep/ids";
import { Runner } from "./runner";

export type Tab = {
  readonly id: string;
  readonly editor: Editor;
  readonly runner: Runner;
  readonly place: StoreApi<TabPlace>;
};

export type TabPlace = {
  /** Where it is saved on the server; null while it is not. */
  readonly file: ServerFile | null;
  /** What stands in the way of saving it; null when nothing does, as far as is known. */
  readonly trouble: Trouble | null;
};

/** Somebody else saved since, or deleted it; or the server does not take it. */
export type Trouble =
  | { readonly kind: "newer"; readonly theirs: ServerFile }
  | { readonly kind: "deleted" }
  | { readonly kind: "refused"; readonly message: string };

export type TabsState = { readonly list: readonly Tab[]; readonly active: Tab };

export type Opening = {
  /** The document as it was saved, when it has changed since. */
  readonly saved?: Workflow | null;
  readonly file?: ServerFile | null;
  readonly job?: string | null;
  readonly viewport?: Draft["viewport"];
};

/** Closed tabs that can be opened again. */
const MOST_CLOSED = 20;

export class Tabs {
  readonly state: StoreApi<TabsState>;
  readonly #connection: Connection;
  readonly #tell: Services["tell"];
  readonly #closed: Draft[] = [];
  #stopWatching: () => void = () => undefined;

  /** `drafts` are the tabs of an earlier visit, of which `active` was in view. */
  constructor(
    connection: Connection,
    tell: Services["tell"],
    drafts: readonly (readonly [id: string, draft: Draft])[] = [],
    active: string | null = null,
  ) {
    this.#connection = connection;
    this.#tell = tell;
    const list = drafts.map(([id, draft]) => this.#make(id, draft.workflow, draft, null));
    const first = list.find((tab) => tab.id === active) ?? list[0] ?? this.#make(freshKey(), EMPTY_WORKFLOW, {}, null);
    this.state = createStore(() => ({ list: list.length > 0 ? list : [first], active: first }));
    this.#stopWatching = first.runner.watch();
  }

  get list(): readonly Tab[] {
    return this.state.getState().list;
  }

  get active(): Tab {
    return this.state.getState().active;
  }

  /** Open a document: in a tab of its own, or in the one in view while that is empty and untouched. */
  open(workflow: Workflow, opening: Opening = {}): Tab {
    const { active } = this;
    if (!isBlank(active)) return this.add(workflow, opening);
    active.editor.open(workflow, opening.saved ?? workflow);
    active.place.setState({ file: opening.file ?? null, trouble: null });
    active.runner.show(opening.job ?? null);
    return active;
  }

  /** Open a document in a tab of its own, right of the one in view. */
  add(workflow: Workflow = EMPTY_WORKFLOW, opening: Opening = {}): Tab {
    const tab = this.#make(freshKey(), workflow, opening, this.active);
    const at = this.list.indexOf(this.active) + 1;
    this.state.setState({ list: this.list.toSpliced(at, 0, tab) });
    this.activate(tab);
    return tab;
  }

  activate(tab: Tab): void {
    if (tab === this.active || !this.list.includes(tab)) return;
    this.#stopWatching();
    this.state.setState({ active: tab });
    this.#stopWatching = tab.runner.watch();
  }

  /** Go to the tab that stands `by` places on, around the end. */
  step(by: number): void {
    const { list } = this;
    const next = list[(list.indexOf(this.active) + by + list.length) % list.length];
    if (next) this.activate(next);
  }

  /** Put a tab at another place of the row. */
  move(tab: Tab, to: number): void {
    const from = this.list.indexOf(tab);
    const place = Math.max(0, Math.min(to, this.list.length - 1));
    if (from >= 0 && from !== place)
      this.state.setState({ list: this.list.toSpliced(from, 1).toSpliced(place, 0, tab) });
  }

  /** Close a tab, saved or not; its document can be opened again for as long as the page lives. */
  close(tab: Tab): void {
    const at = this.list.indexOf(tab);
    if (at < 0) return;
    if (!isBlank(tab))
      this.#closed.splice(0, this.#closed.length, ...[...this.#closed, draftOf(tab)].slice(-MOST_CLOSED));
    if (this.list.length === 1) this.add();
    else if (tab === this.active) this.activate((this.list[at + 1] ?? this.list[at - 1]) as Tab);
    this.state.setState({ list: this.list.filter((other) => other !== tab) });
    tab.runner.close();
  }

  /** Open the tab that was closed last. Returns whether there was one. */
  reopen(): boolean {
    const draft = this.#closed.pop();
    if (draft) this.add(draft.workflow, draft);
    return draft !== undefined;
  }

  #make(id: string, workflow: Workflow, { saved, file, job, viewport }: Opening, beside: Tab | null): Tab {
    const editor = new Editor(workflow, this.#connection.catalogue);
    if (saved) editor.open(workflow, saved);
    // The view is as large as that of the tab it stands beside.
    if (beside) editor.view.setState({ size: beside.editor.view.getState().size });
    if (viewport) editor.view.setState({ viewport });
    const runner = new Runner(editor, this.#connection, this.#tell, beside?.runner.run.getState());
    if (job) runner.show(job);
    return { id, editor, runner, place: createStore<TabPlace>(() => ({ file: file ?? null, trouble: null })) };
  }
}

/** Whether a tab holds nothing, and nothing was ever done in it. */
export function isBlank({ editor, place }: Tab): boolean {
  const { history } = editor.document.getState();
  return (
    place.getState().file === null &&
    history.past.length + history.future.length === 0 &&
    isEmpty(history.document) &&
    !history.document.title
  );
}

export function hasChanges({ editor }: Tab): boolean {
  return isChanged(editor.document.getState());
}

/** All of a tab that is to survive it. */
export function draftOf({ editor, runner, place }: Tab): Draft {
  const { saved } = editor.document.getState();
  return {
    workflow: editor.workflow,
    saved: saved === editor.workflow ? null : saved,
    file: place.getState().file,
    job: runner.run.getState().shown,
    viewport: editor.view.getState().viewport,
  };
}
