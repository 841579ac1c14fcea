/** What React Flow is given: the nodes near the view, groups and notes, as objects that stay the same while they do. */
import type { Node } from "@xyflow/react";
import type { Group, Note, Point } from "../graph/document";
import { GROUP_PREFIX, GROUP_SIZE, NOTE_PREFIX, NOTE_SIZE } from "./frames";
import type { Box } from "./scene";

type Frame = {
  readonly id: string;
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly selected: boolean;
  readonly pinned: boolean;
  readonly zIndex: number;
};

/** What has the focus, a role and a name is the card inside, in the order of the graph, and not React Flow's wrapper. */
const PLAIN = { "aria-roledescription": undefined, "aria-describedby": undefined };

/** Makes React Flow's nodes, and gives back the earlier object for what has not changed, so that nothing is redrawn. */
export class FlowNodes {
  #kept = new Map<string, Node>();

  update(
    boxes: readonly Box[],
    groups: readonly Group[],
    notes: readonly Note[],
    selection: ReadonlySet<string>,
    drag: ReadonlyMap<string, Point> | null,
  ): Node[] {
    const next = new Map<string, Node>();
    const add = (frame: Frame) => next.set(frame.id, this.#node(frame));
    for (const [index, group] of groups.entries())
      add(frameOf(`${GROUP_PREFIX}${index}`, "group_frame", group, GROUP_SIZE, selection, drag, -1));
    for (const [index, note] of notes.entries())
      add(frameOf(`${NOTE_PREFIX}${index}`, "note", note, NOTE_SIZE, selection, drag, 0));
    for (const box of boxes) {
      const selected = selection.has(box.id);
      add({
        id: box.id,
        type: "node",
        x: box.x,
        y: box.y,
        width: box.shape.width,
        height: box.shape.height,
        selected,
        pinned: box.pinned,
        zIndex: selected ? 2 : 1,
      });
    }
    this.#kept = next;
    return [...next.values()];
  }

  #node({ id, type, x, y, width, height, selected, pinned, zIndex }: Frame): Node {
    const kept = this.#kept.get(id);
    const same =
      kept &&
      kept.position.x === x &&
      kept.position.y === y &&
      kept.width === width &&
      kept.height === height &&
      kept.selected === selected &&
      (kept.draggable === false) === pinned;
    if (same) return kept;
    const handle = type === "group_frame" ? { dragHandle: ".group-title" } : {};
    return {
      id,
      type,
      position: { x, y },
      width,
      height,
      measured: { width, height },
      handles: [],
      data: {},
      selected,
      ...(pinned ? { draggable: false } : {}),
      domAttributes: PLAIN,
      zIndex,
      ...handle,
    };
  }
}

function frameOf(
  id: string,
  type: string,
  item: Group | Note,
  fallback: Point,
  selection: ReadonlySet<string>,
  drag: ReadonlyMap<string, Point> | null,
  zIndex: number,
): Frame {
  const [x, y] = drag?.get(id) ?? item.at ?? [0, 0];
  const [width, height] = item.size ?? fallback;
  return { id, type, x, y, width, height, selected: selection.has(id), pinned: false, zIndex };
}
