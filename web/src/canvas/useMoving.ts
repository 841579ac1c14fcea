/** What React Flow reports of dragging, arrow keys, selecting and the view, taken into the stores. */
import type { NodeChange, NodePositionChange, NodeSelectionChange, OnNodeDrag } from "@xyflow/react";
import { type RefObject, useMemo } from "react";
import { useEditor } from "../editor/context";
import type { Editor } from "../editor/store";
import type { Point } from "../graph/document";
import { type Guide, snapTo } from "../graph/guides";
import { overlaps, type Rect, unionOf } from "./curves";
import { idsOfFrames, rectsOf } from "./grouping";
import { duplicateInPlace, linkUnder, nudge, shifted, startPlaces, writePlaces } from "./moving";
import { boxRect, type Scene } from "./scene";
import { viewRect } from "./window";

/** Pixels within which what is dragged falls in with what stands around it. */
const REACH = 6;

export function useMoving(scene: RefObject<Scene>) {
  const editor = useEditor();
  return useMemo(() => new Moves(editor, scene), [editor, scene]);
}

class Moves {
  readonly #editor: Editor;
  readonly #scene: RefObject<Scene>;
  /** Where everything stood when the drag began, and the node that the pointer holds. */
  #start: { readonly places: Map<string, Point>; readonly id: string; readonly at: Point } | null = null;

  /** The copies that are dragged in the place of the nodes themselves, while Alt was held at the start. */
  #copied: ReturnType<typeof duplicateInPlace> = null;

  constructor(editor: Editor, scene: RefObject<Scene>) {
    this.#editor = editor;
    this.#scene = scene;
  }

  readonly onStart: OnNodeDrag = (event, node) => {
    const { selection } = this.#editor.document.getState();
    const ids = selection.has(node.id) ? selection : new Set([node.id]);
    this.#copied = event.altKey ? duplicateInPlace(this.#editor, this.#scene.current, ids) : null;
    const places = this.#copied?.places ?? startPlaces(this.#editor, this.#scene.current, ids);
    this.#start = { places, id: node.id, at: [node.position.x, node.position.y] };
  };

  readonly onChange = (changes: NodeChange[]) => {
    const selected = changes.filter((change) => change.type === "select");
    if (selected.length > 0) this.#select(selected);
    const moves = changes.filter((change) => change.type === "position");
    const lead = moves.find((move) => move.id === this.#start?.id) ?? moves[0];
    if (!lead) return;
    this.#follow(lead);
    if (!lead.dragging) this.#finish(moves);
  };

  readonly onViewport = (_event: unknown, viewport: { x: number; y: number; zoom: number }) => {
    this.#editor.view.setState({ viewport });
  };

  #select(changes: readonly NodeSelectionChange[]): void {
    const selection = new Set(this.#editor.document.getState().selection);
    for (const change of changes) {
      if (change.selected) selection.add(change.id);
      else selection.delete(change.id);
    }
    this.#editor.select(selection);
  }

  #follow(lead: NodePositionChange): void {
    const start = this.#start;
    if (!start || !lead.position) return;
    const from = start.at;
    const free = shifted(start.places, lead.position.x - from[0], lead.position.y - from[1]);
    const { by, guides } = this.#fallIn(free, start.places);
    const drag = shifted(free, by[0], by[1]);
    const [only] = drag.keys();
    // The link that a lone node would be put into is lit.
    const hovered =
      !this.#copied && drag.size === 1 && only !== undefined ? (linkUnder(this.#scene.current, only) ?? null) : null;
    this.#editor.view.setState({ drag, guides, hovered });
  }

  /** How what is dragged falls in with the nodes, groups and notes in view. */
  #fallIn(
    drag: ReadonlyMap<string, Point>,
    start: ReadonlyMap<string, Point>,
  ): { by: Point; guides: readonly Guide[] } {
    const { viewport, size } = this.#editor.view.getState();
    const view = viewRect(viewport, size);
    const { scope } = this.#editor;
    const [id = ""] = drag.keys();
    const [from, to] = [start.get(id) ?? [0, 0], drag.get(id) ?? [0, 0]];
    const own: Rect[] = rectsOf(scope, drag.keys()).map((rect) => movedBy(rect, to[0] - from[0], to[1] - from[1]));
    const others: Rect[] = rectsOf(
      scope,
      idsOfFrames(scope).filter((frame) => !drag.has(frame)),
    );
    for (const box of this.#scene.current.boxes.values()) {
      const at = drag.get(box.id);
      if (at) own.push({ x0: at[0], y0: at[1], x1: at[0] + box.shape.width, y1: at[1] + box.shape.height });
      else others.push(boxRect(box));
    }
    const whole = unionOf(own);
    const near = others.filter((rect) => overlaps(rect, view));
    return whole ? snapTo(whole, near, REACH / viewport.zoom) : { by: [0, 0], guides: [] };
  }

  #finish(moves: readonly NodePositionChange[]): void {
    const { drag } = this.#editor.view.getState();
    if (drag && this.#copied) this.#copied.finish(drag);
    else if (drag) writePlaces(this.#editor, this.#scene.current, drag);
    else this.#nudge(moves);
    this.#start = null;
    this.#copied = null;
    this.#editor.view.setState({ drag: null, guides: [], hovered: null });
  }

  /** Arrow keys: React Flow moves the mounted nodes only, and the whole selection is meant. */
  #nudge(moves: readonly NodePositionChange[]): void {
    const { selection } = this.#editor.document.getState();
    const start = startPlaces(this.#editor, this.#scene.current, selection);
    const lead = moves.find((move) => move.position && start.has(move.id));
    const from = lead && start.get(lead.id);
    if (!lead?.position || !from) return;
    nudge(this.#editor, this.#scene.current, lead.position.x - from[0], lead.position.y - from[1]);
  }
}

function movedBy({ x0, y0, x1, y1 }: Rect, dx: number, dy: number): Rect {
  return { x0: x0 + dx, y0: y0 + dy, x1: x1 + dx, y1: y1 + dy };
}
