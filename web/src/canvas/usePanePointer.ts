/** What the pointer does on the empty canvas: it lights, selects and cuts links, and asks for new nodes. */
import { type MouseEvent, type PointerEvent, useCallback } from "react";
import { useEditor } from "../editor/context";
import type { InputEnd } from "../graph/connect";
import type { Point } from "../graph/document";
import { disconnect } from "../graph/edits";
import type { CanvasParts } from "./context";
import { boxAt, curveAt } from "./scene";

/** Pixels beside a link at which it is still meant. */
const LINK_REACH = 8;

export function usePanePointer(parts: CanvasParts) {
  const editor = useEditor();

  const linkAt = useCallback(
    (at: Point): InputEnd | null =>
      curveAt(parts.scene.current, at, LINK_REACH / editor.view.getState().viewport.zoom)?.end ?? null,
    [editor, parts],
  );

  const onPointerMove = useCallback(
    (event: PointerEvent) => {
      const at = parts.toGraph(event.clientX, event.clientY);
      const { hovered, connecting, drag } = editor.view.getState();
      // While a node is dragged, the lit link is the one that it would be put into.
      if (drag) return editor.view.setState({ pointer: at });
      const free = isPane(event.target) && !connecting && event.buttons === 0;
      const link = free ? linkAt(at) : null;
      const same = link?.node === hovered?.node && link?.input === hovered?.input;
      editor.view.setState({ pointer: at, hovered: same ? hovered : link });
    },
    [editor, parts, linkAt],
  );

  const onPaneClick = useCallback(
    (event: MouseEvent) => {
      const at = parts.toGraph(event.clientX, event.clientY);
      // From far away a click on a painted node lands on the pane; useFarPointer has taken it.
      if (parts.far.current && boxAt(parts.scene.current, at)) return;
      const link = linkAt(at);
      if (link && event.altKey) editor.edit((workflow, path) => disconnect(workflow, path, [link]));
      else if (link) editor.selectLinks([link]);
      else editor.select([]);
    },
    [editor, parts, linkAt],
  );

  const onDoubleClick = useCallback(
    (event: MouseEvent) => {
      if (
        !isPane(event.target) ||
        (parts.far.current && boxAt(parts.scene.current, parts.toGraph(event.clientX, event.clientY)))
      )
        return;
      const screen: Point = [event.clientX, event.clientY];
      editor.view.setState({ search: { at: parts.toGraph(...screen), screen, link: null } });
    },
    [editor, parts],
  );

  return { onPointerMove, onPaneClick, onDoubleClick };
}

function isPane(target: EventTarget): boolean {
  return (target as Element).classList.contains("react-flow__pane");
}
