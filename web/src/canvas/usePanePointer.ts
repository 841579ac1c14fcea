/** What the pointer does on the empty canvas: it lights, selects and cuts links, adds points to them, asks for new nodes. */
import { type MouseEvent, type PointerEvent, useCallback, useRef } from "react";
import { useEditor } from "../editor/context";
import type { InputEnd } from "../graph/connect";
import { nodesOf, type Point } from "../graph/document";
import { disconnect } from "../graph/removing";
import { addReroute, sameReroute } from "../graph/reroutes";
import { subgraphOf } from "../graph/scopes";
import type { CanvasParts } from "./context";
import { boxAt, curveAt, hitCurve, rerouteAt } from "./scene";

/** Pixels beside a link at which it is still meant. */
export const LINK_REACH = 8;
/** Pixels from the middle of a link's point at which it is still meant. */
export const REROUTE_REACH = 10;

const sameEnd = (one: InputEnd, other: InputEnd) => one.node === other.node && one.input === other.input;

export function usePanePointer(parts: CanvasParts) {
  const editor = useEditor();
  const rest = useRef<Point | null>(null);

  const linkAt = useCallback(
    (at: Point): InputEnd | null =>
      curveAt(parts.scene.current, at, LINK_REACH / editor.view.getState().viewport.zoom)?.end ?? null,
    [editor, parts],
  );

  const onPointerMove = useCallback(
    (event: PointerEvent) => {
      const at = parts.toGraph(event.clientX, event.clientY);
      const { hovered, hoveredReroute, connecting, drag, viewport, pointing: before } = editor.view.getState();
      // Below a pointer that rests the view may move, and that is no pointing.
      const pointing = before || rest.current?.[0] !== event.clientX || rest.current[1] !== event.clientY;
      rest.current = [event.clientX, event.clientY];
      // While a node is dragged, the lit link is the one that it would be put into.
      if (drag) return editor.view.setState({ pointer: at, pointing });
      const free = isPane(event.target) && !connecting && event.buttons === 0;
      const reroute = free ? (rerouteAt(parts.scene.current, at, REROUTE_REACH / viewport.zoom) ?? null) : null;
      const link = free && !reroute ? linkAt(at) : null;
      editor.view.setState({
        pointer: at,
        pointing,
        hovered: kept(hovered, link, sameEnd),
        hoveredReroute: kept(hoveredReroute, reroute, sameReroute),
      });
    },
    [editor, parts, linkAt],
  );

  const onPaneClick = useCallback(
    (event: MouseEvent) => {
      const link = linkAt(parts.toGraph(event.clientX, event.clientY));
      if (link && event.altKey) editor.edit((workflow, path) => disconnect(workflow, path, [link]));
      else if (link) editor.selectLinks([link]);
      else editor.select([]);
    },
    [editor, parts, linkAt],
  );

  const onDoubleClick = useCallback(
    (event: MouseEvent) => {
      if (!isPane(event.target)) return;
      const screen: Point = [event.clientX, event.clientY];
      const at = parts.toGraph(...screen);
      const { zoom } = editor.view.getState().viewport;
      const scene = parts.scene.current;
      if ((parts.far.current && boxAt(scene, at)) || rerouteAt(scene, at, REROUTE_REACH / zoom)) return;
      const hit = hitCurve(scene.curves, at, LINK_REACH / zoom);
      if (!hit) return editor.view.setState({ search: { at, screen, link: null } });
      const { end } = hit.curve;
      editor.edit((workflow, path) => addReroute(workflow, path, end, hit.segment, at));
      editor.selectReroutes([{ end, index: hit.segment }]);
    },
    [editor, parts],
  );

  const onNodeDoubleClick = useCallback(
    (event: MouseEvent, { id }: { readonly id: string }) => {
      const onPart = (event.target as Element).closest("h3, button, input, textarea, select, video, .nodrag") !== null;
      if (!onPart && subgraphOf(nodesOf(editor.scope)[id]) !== undefined) editor.enter(id);
    },
    [editor],
  );

  return { onPointerMove, onPaneClick, onDoubleClick, onNodeDoubleClick };
}

/** The new value; the old one where they are the same, so that nothing is redrawn. */
function kept<T>(old: T | null, value: T | null, same: (one: T, other: T) => boolean): T | null {
  return old !== null && value !== null && same(old, value) ? old : value;
}

function isPane(target: EventTarget): boolean {
  return (target as Element).classList.contains("react-flow__pane");
}
