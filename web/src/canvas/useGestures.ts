/**
 * Presses on the empty canvas that are more than a click: the knife, points of links, boxes, and from far away the painted
 * nodes. All others are left to React Flow, which pans where the user likes it.
 */
import { type PointerEvent, useMemo, useRef } from "react";
import { useSession } from "../editor/context";
import type { Look } from "../editor/look";
import type { Editor } from "../editor/store";
import type { InputEnd } from "../graph/connect";
import { type Reroute, removeReroutes } from "../graph/reroutes";
import { beginAtReroute } from "./connecting";
import type { CanvasParts } from "./context";
import { followLink } from "./followLink";
import { drawBox } from "./gestures/box";
import { drawKnife } from "./gestures/knife";
import { dragBoxes } from "./gestures/nodes";
import { dragReroutes } from "./gestures/reroutes";
import { boxAt, boxRect, curveAt, rerouteAt } from "./scene";
import { LINK_REACH, REROUTE_REACH } from "./usePanePointer";
import { fitting } from "./window";

export function useGestures(parts: CanvasParts) {
  const { editor, look } = useSession();
  /** Whether the last press was taken here. */
  const taken = useRef(false);

  return useMemo(() => {
    function onPointerDownCapture(event: PointerEvent<HTMLElement>) {
      taken.current = false;
      const onPane = (event.target as Element).classList.contains("react-flow__pane");
      if (
        event.button !== 0 ||
        !onPane ||
        editor.view.getState().hand ||
        !begin(editor, look.getState().drag, parts, event)
      )
        return;
      taken.current = true;
      event.stopPropagation();
      event.preventDefault();
      // Nothing else takes the focus off the field that one typed in.
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    }

    /** From far away, a double click goes to the node. */
    function onDoubleClickCapture(event: React.MouseEvent) {
      if (!parts.far.current) return;
      const box = boxAt(parts.scene.current, parts.toGraph(event.clientX, event.clientY));
      if (box) editor.view.setState(({ size }) => ({ goal: fitting(boxRect(box), size, 1, 200) }));
    }

    /** The click that ends a gesture would tell React Flow to select nothing. */
    function onClickCapture(event: React.MouseEvent) {
      if (taken.current) event.stopPropagation();
      taken.current = false;
    }

    return { onPointerDownCapture, onDoubleClickCapture, onClickCapture };
  }, [editor, look, parts]);
}

/** Begin the gesture that a press means; returns whether there is one. */
function begin(editor: Editor, drag: Look["drag"], parts: CanvasParts, event: PointerEvent<HTMLElement>): boolean {
  const at = parts.toGraph(event.clientX, event.clientY);
  const { zoom } = editor.view.getState().viewport;
  const mod = event.ctrlKey || event.metaKey;
  const { shiftKey, altKey } = event;
  const scene = parts.scene.current;
  if (mod && shiftKey) {
    drawKnife(editor, parts, at);
    return true;
  }
  const reroute = rerouteAt(scene, at, REROUTE_REACH / zoom);
  const box = parts.far.current ? boxAt(scene, at) : undefined;
  if (reroute) takeReroute(editor, parts, event, reroute);
  else if (box) dragBoxes(editor, parts, at, box, { adds: shiftKey || mod, copies: altKey });
  else return beginOnPane(editor, drag, parts, event);
  return true;
}

/** What a press beside everything else, or on a link, begins: without a key held a box, or nothing. */
function beginOnPane(
  editor: Editor,
  drag: Look["drag"],
  parts: CanvasParts,
  event: PointerEvent<HTMLElement>,
): boolean {
  const at = parts.toGraph(event.clientX, event.clientY);
  const link = curveAt(parts.scene.current, at, LINK_REACH / editor.view.getState().viewport.zoom);
  const mod = event.ctrlKey || event.metaKey;
  if ((mod || event.shiftKey) && link) toggleLink(editor, link.end);
  else if (mod || event.shiftKey) drawBox(editor, parts, at, mod ? "only" : "add");
  // Alt and a click on a link cuts it.
  else if (event.altKey && !link) drawBox(editor, parts, at, "subtract");
  else if (drag === "select" && !link) drawBox(editor, parts, at, "only", () => editor.select([]));
  else return false;
  return true;
}

/** Add a link to the selected ones, or take it away from them. */
function toggleLink(editor: Editor, end: InputEnd): void {
  const { links } = editor.document.getState();
  const others = links.filter((one) => one.node !== end.node || one.input !== end.input);
  editor.selectLinks(others.length < links.length ? others : [...links, end]);
}

/** A point of a link is dragged; with Shift a new link is pulled out of it, with Alt it goes. */
function takeReroute(editor: Editor, parts: CanvasParts, event: PointerEvent, reroute: Reroute): void {
  const at = parts.toGraph(event.clientX, event.clientY);
  const pulled = event.shiftKey ? beginAtReroute(editor, reroute, at) : null;
  if (pulled) followLink(editor, parts, event.pointerId, pulled);
  else if (event.altKey) editor.edit((workflow, path) => removeReroutes(workflow, path, [reroute]));
  else dragReroutes(editor, parts, at, reroute, event.ctrlKey || event.metaKey);
}
