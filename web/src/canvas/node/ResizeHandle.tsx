import type { PointerEvent } from "react";
import { useEditor } from "../../editor/context";
import type { Point } from "../../graph/document";
import { setField } from "../../graph/edits";
import { useCanvas } from "../context";
import { track } from "../gestures/track";
import { MIN_WIDTH } from "../shape";

const GRID = 12;
const snapped = (value: number) => Math.round(value / GRID) * GRID;

/** The corner by which a node is made wider and higher; a double click gives it its own size back. */
export function ResizeHandle({ id, size }: { readonly id: string; readonly size: Point }) {
  const editor = useEditor();
  const canvas = useCanvas();
  const resize = (next: Point | undefined, gesture: string) =>
    editor.edit((workflow, path) => ({
      ...setField(workflow, path, [id], "size", next),
      merge: `size ${id} ${gesture}`,
      gesture: true,
    }));

  function onPointerDown(event: PointerEvent) {
    if (event.button !== 0) return;
    event.stopPropagation();
    const from = canvas.toGraph(event.clientX, event.clientY);
    const gesture = String(event.timeStamp);
    const before = editor.document.getState().history;
    track(canvas, {
      move: (to) =>
        resize([Math.max(snapped(size[0] + to[0] - from[0]), MIN_WIDTH), snapped(size[1] + to[1] - from[1])], gesture),
      end: () => undefined,
      cancel: () => editor.document.getState().history !== before && editor.undo(),
    });
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the palette makes nodes wider and narrower as well
    <div
      className="node-resize nodrag nopan"
      onPointerDown={onPointerDown}
      onDoubleClick={() => resize(undefined, "own")}
    />
  );
}
