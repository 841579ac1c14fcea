/**
 * One open document: its history, what is selected, and the passing state of the canvas. Plain stores without React,
 * which components subscribe to piece by piece.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { type Catalogue, type Definitions, definitionsOf, EMPTY_CATALOGUE } from "../graph/catalogue";
import type { InputEnd, OutputEnd, Refusal } from "../graph/connect";
import {
  EMPTY_WORKFLOW,
  nodesOf,
  type Point,
  ROOT,
  type Scope,
  type ScopePath,
  scopeAt,
  type Workflow,
} from "../graph/document";
import { beginHistory, type Edit, goTo, type History, perform, redo, undo } from "../graph/history";

export type DocumentState = {
  readonly catalogue: Catalogue;
  readonly definitions: Definitions;
  readonly history: History<Workflow>;
  readonly scope: ScopePath;
  readonly selection: ReadonlySet<string>;
  /** Links that are selected, each by the input that it ends in. */
  readonly links: readonly InputEnd[];
  /** The document as it was last saved or opened; another one is marked as changed. */
  readonly saved: Workflow;
};

/** A link that is being dragged; one end is fixed, the other follows the pointer. */
export type Connecting = {
  readonly from:
    | { readonly side: "output"; readonly end: OutputEnd }
    | { readonly side: "input"; readonly end: InputEnd };
  readonly type: string;
  /** The linked input that it was taken from; letting go over nothing cuts that link. */
  readonly moved: InputEnd | null;
  readonly at: Point;
  readonly target: InputEnd | OutputEnd | null;
  readonly refusal: Refusal | null;
};

/** What the search box is asked for: where the node goes, and which link it is to be connected to. */
export type SearchRequest = { readonly at: Point; readonly screen: Point; readonly link: Connecting | null };

export type ViewState = {
  readonly viewport: { readonly x: number; readonly y: number; readonly zoom: number };
  readonly size: Point;
  /** Places of nodes that are being dragged; they are written when the pointer is let go. */
  readonly drag: ReadonlyMap<string, Point> | null;
  readonly connecting: Connecting | null;
  readonly hovered: InputEnd | null;
  readonly search: SearchRequest | null;
  readonly renaming: string | null;
  /** Where a command wants the view to go; at once, when it jumps. */
  readonly goal: (ViewState["viewport"] & { readonly jump?: boolean }) | null;
  /** Last place of the pointer on the canvas, in the graph's coordinates. */
  readonly pointer: Point;
};

const FIRST_VIEW: ViewState = {
  viewport: { x: 80, y: 80, zoom: 1 },
  size: [1200, 800],
  drag: null,
  connecting: null,
  hovered: null,
  search: null,
  renaming: null,
  goal: null,
  pointer: [0, 0],
};

const NONE: ReadonlySet<string> = new Set();

export class Editor {
  readonly document: StoreApi<DocumentState>;
  readonly view: StoreApi<ViewState> = createStore(() => FIRST_VIEW);

  constructor(workflow: Workflow = EMPTY_WORKFLOW, catalogue: Catalogue = EMPTY_CATALOGUE) {
    this.document = createStore(() => ({
      catalogue,
      definitions: definitionsOf(workflow, catalogue),
      history: beginHistory(workflow),
      scope: ROOT,
      selection: NONE,
      links: [],
      saved: workflow,
    }));
  }

  get workflow(): Workflow {
    return this.document.getState().history.document;
  }

  get scope(): Scope {
    return scopeAt(this.workflow, this.document.getState().scope);
  }

  get path(): ScopePath {
    return this.document.getState().scope;
  }

  get definitions(): Definitions {
    return this.document.getState().definitions;
  }

  /** Do an edit, given as a function of the document and the place in it that is open. */
  edit(make: (workflow: Workflow, path: ScopePath) => Edit): void {
    this.perform(make(this.workflow, this.path));
  }

  perform(edit: Edit): void {
    this.#become(perform(this.document.getState().history, edit, Date.now()));
  }

  undo(): void {
    this.#become(undo(this.document.getState().history));
  }

  redo(): void {
    this.#become(redo(this.document.getState().history));
  }

  /** Go to a moment of the history: after its first `steps` steps. */
  goTo(steps: number): void {
    this.#become(goTo(this.document.getState().history, steps));
  }

  /** Open another document; its history begins anew. */
  open(workflow: Workflow, saved: Workflow = workflow): void {
    const { catalogue } = this.document.getState();
    this.document.setState({
      history: beginHistory(workflow),
      definitions: definitionsOf(workflow, catalogue),
      scope: ROOT,
      selection: NONE,
      links: [],
      saved,
    });
  }

  setCatalogue(catalogue: Catalogue): void {
    this.document.setState({ catalogue, definitions: definitionsOf(this.workflow, catalogue) });
  }

  markSaved(): void {
    this.document.setState({ saved: this.workflow });
  }

  select(ids: Iterable<string>): void {
    this.document.setState({ selection: new Set(ids), links: [] });
  }

  selectLinks(links: readonly InputEnd[]): void {
    this.document.setState({ links, selection: NONE });
  }

  #become(history: History<Workflow>): void {
    const state = this.document.getState();
    if (history === state.history) return;
    const changed = history.document.subgraphs !== state.history.document.subgraphs;
    const definitions = changed ? definitionsOf(history.document, state.catalogue) : state.definitions;
    const nodes = nodesOf(scopeAt(history.document, state.scope));
    const gone = [...state.selection].some((id) => !Object.hasOwn(nodes, id));
    const selection = gone ? new Set([...state.selection].filter((id) => Object.hasOwn(nodes, id))) : state.selection;
    this.document.setState({ history, definitions, selection });
  }
}
