/**
 * One open document: its history, what is selected, and the passing state of the canvas. Plain stores without React,
 * which components subscribe to piece by piece.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { type Catalogue, type Definitions, definitionsOf, EMPTY_CATALOGUE } from "../graph/catalogue";
import type { InputEnd, OutputEnd, Refusal } from "../graph/connect";
import {
  EMPTY_WORKFLOW,
  inputsOf,
  isLink,
  nodesOf,
  type Point,
  ROOT,
  type Scope,
  type ScopePath,
  scopeAt,
  type Workflow,
} from "../graph/document";
import type { Guide } from "../graph/guides";
import { amend, beginHistory, type Edit, goTo, type History, perform, redo, undo } from "../graph/history";
import { pointOf, type Reroute } from "../graph/reroutes";
import { follow, type Trail } from "../graph/scopes";

export type DocumentState = {
  readonly catalogue: Catalogue;
  readonly definitions: Definitions;
  readonly history: History<Workflow>;
  /** The instances of subgraphs that one went through to what is open; empty in the workflow itself. */
  readonly trail: Trail;
  /** Where the open scope stands in the document; it follows from the trail. */
  readonly scope: ScopePath;
  readonly selection: ReadonlySet<string>;
  /** Links that are selected, each by the input that it ends in. */
  readonly links: readonly InputEnd[];
  /** Points of links that are selected. */
  readonly reroutes: readonly Reroute[];
  /** The document as it was last saved or opened; another one is marked as changed. */
  readonly saved: Workflow;
};

/** Links that are being dragged; one end is fixed, the other follows the pointer. */
export type Connecting = {
  readonly from:
    | { readonly side: "output"; readonly end: OutputEnd }
    | { readonly side: "input"; readonly end: InputEnd };
  readonly type: string;
  /** The linked inputs whose links are dragged by their ends; letting go over nothing cuts those links. */
  readonly moved: readonly InputEnd[];
  /** Whether links of an output are taken to another output, all of them, rather than to another input. */
  readonly sources: boolean;
  /** Points that the link passes, from its source. */
  readonly via: readonly Point[];
  readonly at: Point;
  readonly target: InputEnd | OutputEnd | null;
  readonly refusal: Refusal | null;
};

/** What the search box is asked for: where the node goes, and which link it is to be connected to. */
export type SearchRequest = {
  readonly at: Point;
  readonly screen: Point;
  readonly link: Connecting | null;
  /** The node that the pick takes the place of. */
  readonly replace?: string;
  /** The link that the pick is put into, by the input that it ends in. */
  readonly insert?: InputEnd;
  /** Whether it was asked for without the pointer, so that the keyboard goes on from the pick, or from where it was. */
  readonly byKey?: boolean;
};

/** What a context menu is about, and where it opens. */
export type MenuRequest = {
  readonly at: Point;
  readonly screen: Point;
  readonly target:
    | { readonly kind: "canvas" | "nodes" | "color" | "frame" | "link" | "reroute" }
    | { readonly kind: "socket"; readonly side: "inputs" | "outputs"; readonly node: string; readonly name: string };
};

/** A rectangle or a line that the pointer draws over the canvas, in the graph's coordinates. */
export type Stroke =
  | { readonly kind: "box"; readonly from: Point; readonly to: Point }
  | { readonly kind: "knife"; readonly points: readonly Point[] };

export type ViewState = {
  readonly viewport: { readonly x: number; readonly y: number; readonly zoom: number };
  readonly size: Point;
  /** Places of nodes that are being dragged; they are written when the pointer is let go. */
  readonly drag: ReadonlyMap<string, Point> | null;
  /** Lines that what is dragged falls in with. */
  readonly guides: readonly Guide[];
  readonly connecting: Connecting | null;
  readonly hovered: InputEnd | null;
  readonly hoveredReroute: Reroute | null;
  readonly search: SearchRequest | null;
  readonly menu: MenuRequest | null;
  readonly stroke: Stroke | null;
  readonly renaming: string | null;
  /** The card (node, note or group) that is to have the focus of the keyboard, as soon as it is mounted. */
  readonly focus: string | null;
  /** The card that the keyboard is at, or was at when it left the canvas; and the one before it. */
  readonly at: string | null;
  readonly came: string | null;
  /** Whether dragging moves the view wherever it begins, and never a node. */
  readonly hand: boolean;
  /** Where a command wants the view to go; at once, when it jumps. */
  readonly goal: (ViewState["viewport"] & { readonly jump?: boolean }) | null;
  /** Whether the whole scope is to be shown once it is drawn. */
  readonly fit: boolean;
  /** Last place of the pointer on the canvas, in the graph's coordinates. */
  readonly pointer: Point;
  /** Whether the pointer was moved there since keys gave a card the focus, so that its place is meant. */
  readonly pointing: boolean;
};

const FIRST_VIEW: ViewState = {
  viewport: { x: 80, y: 80, zoom: 1 },
  size: [1200, 800],
  drag: null,
  guides: [],
  connecting: null,
  hovered: null,
  hoveredReroute: null,
  search: null,
  menu: null,
  stroke: null,
  renaming: null,
  focus: null,
  at: null,
  came: null,
  hand: false,
  goal: null,
  fit: false,
  pointer: [0, 0],
  pointing: false,
};

/** What ends when another scope is opened. */
const PASSING: Partial<ViewState> = {
  drag: null,
  guides: [],
  renaming: null,
  focus: null,
  came: null,
  connecting: null,
  hovered: null,
  hoveredReroute: null,
  menu: null,
  stroke: null,
};

const NONE: ReadonlySet<string> = new Set();

export class Editor {
  readonly document: StoreApi<DocumentState>;
  readonly view: StoreApi<ViewState> = createStore(() => FIRST_VIEW);
  /** Where one looked in each scope when one left it, by its trail. */
  readonly #views = new Map<string, ViewState["viewport"]>();

  constructor(workflow: Workflow = EMPTY_WORKFLOW, catalogue: Catalogue = EMPTY_CATALOGUE) {
    this.document = createStore(() => ({
      catalogue,
      definitions: definitionsOf(workflow, catalogue),
      history: beginHistory(workflow),
      trail: [],
      scope: ROOT,
      selection: NONE,
      links: [],
      reroutes: [],
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

  get trail(): Trail {
    return this.document.getState().trail;
  }

  /** Open the scope at the end of a trail, as it was last seen, or all of it. */
  goInto(trail: Trail): void {
    const state = this.document.getState();
    const next = follow(this.workflow, trail);
    if (next.trail.join("/") === state.trail.join("/")) return;
    this.#views.set(state.trail.join("/"), this.view.getState().viewport);
    const outside = state.trail[next.trail.length];
    const came = next.trail.every((id, index) => id === state.trail[index]) && outside !== undefined ? [outside] : [];
    this.document.setState({ trail: next.trail, scope: next.path, selection: new Set(came), links: [], reroutes: [] });
    const seen = this.#views.get(next.trail.join("/"));
    this.view.setState({ ...PASSING, ...(seen ? { goal: seen } : { fit: true }) });
  }

  /** Open the subgraph of an instance in the open scope. */
  enter(id: string): void {
    this.goInto([...this.trail, id]);
  }

  /** Do an edit, given as a function of the document and the place in it that is open. */
  edit(make: (workflow: Workflow, path: ScopePath) => Edit): void {
    this.perform(make(this.workflow, this.path));
  }

  perform(edit: Edit): void {
    this.#become(perform(this.document.getState().history, edit, Date.now()));
  }

  /** Give the document the name that it is saved under: no step, since undo does not rename what is saved. */
  rename(title: string): void {
    if (title !== this.workflow.title)
      this.#become(amend(this.document.getState().history, { op: "set", path: ["title"], value: title }));
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
    this.#views.clear();
    this.view.setState(PASSING);
    this.document.setState({
      history: beginHistory(workflow),
      definitions: definitionsOf(workflow, catalogue),
      trail: [],
      scope: ROOT,
      selection: NONE,
      links: [],
      reroutes: [],
      saved,
    });
  }

  setCatalogue(catalogue: Catalogue): void {
    this.document.setState({ catalogue, definitions: definitionsOf(this.workflow, catalogue) });
  }

  /** Take a document for what is saved now: the one in view, or what it was when saving began. */
  markSaved(saved: Workflow = this.workflow): void {
    this.document.setState({ saved });
  }

  select(ids: Iterable<string>): void {
    this.document.setState({ selection: new Set(ids), links: [], reroutes: [] });
  }

  selectLinks(links: readonly InputEnd[]): void {
    this.document.setState({ links, selection: NONE, reroutes: [] });
  }

  selectReroutes(reroutes: readonly Reroute[]): void {
    this.document.setState({ reroutes, selection: NONE, links: [] });
  }

  #become(history: History<Workflow>): void {
    const state = this.document.getState();
    if (history === state.history) return;
    const changed = history.document.subgraphs !== state.history.document.subgraphs;
    const definitions = changed ? definitionsOf(history.document, state.catalogue) : state.definitions;
    const { trail, path } = follow(history.document, state.trail);
    const scope = path.join("/") === state.scope.join("/") ? state.scope : path;
    const moved = trail.length < state.trail.length;
    const here = scopeAt(history.document, scope);
    // Groups and notes are selected too, under ids that are no node's.
    const stays = (id: string) => Object.hasOwn(nodesOf(here), id) || id.includes(":");
    const selection = moved ? NONE : keptBy(state.selection, stays);
    const links = moved ? [] : state.links.filter((end) => isLinked(here, end));
    const reroutes = moved ? [] : state.reroutes.filter((reroute) => pointOf(here, reroute) !== undefined);
    this.document.setState({
      history,
      definitions,
      trail: moved ? trail : state.trail,
      scope,
      selection,
      links,
      reroutes,
    });
    if (moved) this.view.setState({ ...PASSING, fit: true });
  }
}

function keptBy(ids: ReadonlySet<string>, stays: (id: string) => boolean): ReadonlySet<string> {
  const kept = [...ids].filter(stays);
  return kept.length === ids.size ? ids : new Set(kept);
}

function isLinked(scope: Scope, end: InputEnd): boolean {
  return isLink(inputsOf(nodesOf(scope)[end.node] ?? { type: "" })[end.input]);
}
