/** From far away no node is mounted: clicks and drags on the painted ones are taken here. */
import type { PointerEvent } from "react";
import { useEditor } from "../editor/context";
import type { CanvasParts } from "./context";
import { shifted, startPlaces, writePlaces } from "./moving";
import { boxAt, boxRect } from "./scene";
import { fitting } from "./window";

/** Pixels that the pointer may move before a press becomes a drag. */
const SLACK = 4;

export function useFarPointer(parts: CanvasParts) {
  const editor = useEditor();

  function onPointerDownCapture(event: PointerEvent<HTMLElement>) {
    const { zoom } = editor.view.getState().viewport;
    const onPane = (event.target as Element).classList.contains("react-flow__pane");
    if (!parts.far.current || event.button !== 0 || !onPane) return;
    const begin = parts.toGraph(event.clientX, event.clientY);
    const box = boxAt(parts.scene.current, begin);
    const adds = event.shiftKey || event.ctrlKey || event.metaKey;
    if (!box) return;
    event.stopPropagation();
    event.preventDefault();
    const { selection } = editor.document.getState();
    if (adds)
      editor.select(selection.has(box.id) ? [...selection].filter((id) => id !== box.id) : [...selection, box.id]);
    else if (!selection.has(box.id)) editor.select([box.id]);
    const places = startPlaces(editor, parts.scene.current, editor.document.getState().selection);
    const stop = new AbortController();
    const move = (next: globalThis.PointerEvent) => {
      const at = parts.toGraph(next.clientX, next.clientY);
      const [dx, dy] = [at[0] - begin[0], at[1] - begin[1]];
      if (editor.view.getState().drag || Math.hypot(dx, dy) * zoom > SLACK)
        editor.view.setState({ drag: shifted(places, dx, dy) });
    };
    const up = () => {
      stop.abort();
      const { drag } = editor.view.getState();
      if (drag) writePlaces(editor, parts.scene.current, drag);
      editor.view.setState({ drag: null });
    };
    window.addEventListener("pointermove", move, { signal: stop.signal });
    window.addEventListener("pointerup", up, { signal: stop.signal });
    window.addEventListener("pointercancel", up, { signal: stop.signal });
  }

  /** A double click goes to the node. */
  function onDoubleClickCapture(event: React.MouseEvent) {
    const view = editor.view.getState();
    if (!parts.far.current) return;
    const box = boxAt(parts.scene.current, parts.toGraph(event.clientX, event.clientY));
    if (box) editor.view.setState({ goal: fitting(boxRect(box), view.size, 1, 200) });
  }

  return { onPointerDownCapture, onDoubleClickCapture };
}
