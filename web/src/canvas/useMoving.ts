/** What React Flow reports of dragging, arrow keys, selecting and the view, taken into the stores. */
import type { NodeChange, NodePositionChange, NodeSelectionChange, OnNodeDrag } from "@xyflow/react";
import { type RefObject, useMemo } from "react";
import { useEditor } from "../editor/context";
import type { Editor } from "../editor/store";
import type { Point } from "../graph/document";
import { moveNodes } from "../graph/edits";
import { linkUnder, shifted, startPlaces, writePlaces } from "./moving";
import type { Scene } from "./scene";

export function useMoving(scene: RefObject<Scene>) {
  const editor = useEditor();
  return useMemo(() => new Moves(editor, scene), [editor, scene]);
}

class Moves {
  readonly #editor: Editor;
  readonly #scene: RefObject<Scene>;
  /** Where everything stood when the drag began, and the node that the pointer holds. */
  #start: { readonly places: Map<string, Point>; readonly id: string; readonly at: Point } | null = null;

  constructor(editor: Editor, scene: RefObject<Scene>) {
    this.#editor = editor;
    this.#scene = scene;
  }

  readonly onStart: OnNodeDrag = (_event, node) => {
    const { selection } = this.#editor.document.getState();
    const ids = selection.has(node.id) ? selection : [node.id];
    const places = startPlaces(this.#editor, this.#scene.current, ids);
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
    const from = start.places.get(lead.id) ?? start.at;
    const drag = shifted(start.places, lead.position.x - from[0], lead.position.y - from[1]);
    const [only] = drag.keys();
    // The link that a lone node would be put into is lit.
    const hovered = drag.size === 1 && only !== undefined ? (linkUnder(this.#scene.current, only) ?? null) : null;
    this.#editor.view.setState({ drag, hovered });
  }

  #finish(moves: readonly NodePositionChange[]): void {
    const { drag } = this.#editor.view.getState();
    if (drag) writePlaces(this.#editor, this.#scene.current, drag);
    else
      this.#editor.edit((workflow, path) => ({ ...moveNodes(workflow, path, placesOf(moves)), merge: "arrow keys" }));
    this.#start = null;
    this.#editor.view.setState({ drag: null, hovered: null });
  }
}

function placesOf(moves: readonly NodePositionChange[]): Map<string, Point> {
  const places = new Map<string, Point>();
  for (const { id, position } of moves) if (position) places.set(id, [position.x, position.y]);
  return places;
}
