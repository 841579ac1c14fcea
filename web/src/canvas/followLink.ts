/** Follows the pointer while links are dragged, until it lets go or Escape is pressed. */
import type { Connecting, Editor } from "../editor/store";
import { dragTo, dropLink, portAt } from "./connecting";
import type { CanvasParts } from "./context";

export function followLink(editor: Editor, canvas: CanvasParts, pointerId: number, begun: Connecting): void {
  editor.view.setState({ connecting: begun, hovered: null, hoveredReroute: null });
  const origin = begun.from.end.node;
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const move = (event: PointerEvent) => {
    const { connecting, viewport } = editor.view.getState();
    if (!connecting || event.pointerId !== pointerId) return;
    const at = canvas.toGraph(event.clientX, event.clientY);
    const over = portAt(event.clientX, event.clientY);
    editor.view.setState({ connecting: dragTo(editor, canvas.scene.current, connecting, at, over, viewport.zoom) });
  };
  const up = (event: PointerEvent) => {
    if (event.pointerId !== pointerId) return;
    stop.abort();
    const { connecting } = editor.view.getState();
    if (!connecting) return;
    const isClick = portAt(event.clientX, event.clientY)?.end.node === origin && connecting.target === null;
    const rest = isClick ? "done" : dropLink(editor, connecting);
    const screen = [event.clientX, event.clientY] as const;
    const search = rest === "search" ? { at: connecting.at, screen, link: connecting } : null;
    editor.view.setState({ connecting: null, search });
  };
  const cancel = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    stop.abort();
    editor.view.setState({ connecting: null });
  };
  window.addEventListener("pointermove", move, options);
  window.addEventListener("pointerup", up, options);
  window.addEventListener("pointercancel", up, options);
  window.addEventListener("keydown", cancel, { ...options, capture: true });
}
