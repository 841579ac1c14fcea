/** What React Flow reports of dragging, arrow keys, selecting and the view, taken into the stores. */
import type { NodeChange, NodePositionChange, NodeSelectionChange, OnNodeDrag } from "@xyflow/react";
import { type RefObject, useMemo } from "react";
import { useEditor } from "../editor/context";
import type { Editor } from "../editor/store";
import type { Point } from "../graph/document";
import { duplicateInPlace, linkUnder, nudge, shifted, startPlaces, writePlaces } from "./moving";
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

  /** The copies that are dragged in the place of the nodes themselves, while Alt was held at the start. */
  #copied: ReturnType<typeof duplicateInPlace> = null;

  constructor(editor: Editor, scene: RefObject<Scene>) {
    this.#editor = editor;
    this.#scene = scene;
  }

  readonly onStart: OnNodeDrag = (event, node) => {
    const { selection } = this.#editor.document.getState();
    const ids = selection.has(node.id) ? selection : new Set([node.id]);
    this.#copied = event.altKey ? duplicateInPlace(this.#editor, ids) : null;
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
    const drag = shifted(start.places, lead.position.x - from[0], lead.position.y - from[1]);
    const [only] = drag.keys();
    // The link that a lone node would be put into is lit.
    const hovered =
      !this.#copied && drag.size === 1 && only !== undefined ? (linkUnder(this.#scene.current, only) ?? null) : null;
    this.#editor.view.setState({ drag, hovered });
  }

  #finish(moves: readonly NodePositionChange[]): void {
    const { drag } = this.#editor.view.getState();
    if (drag && this.#copied) this.#copied.finish(drag);
    else if (drag) writePlaces(this.#editor, this.#scene.current, drag);
    else this.#nudge(moves);
    this.#start = null;
    this.#copied = null;
    this.#editor.view.setState({ drag: null, hovered: null });
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
