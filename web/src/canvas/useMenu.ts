/** What a right click, or the menu key, is about: selects it, and asks for its menu. */
import { type MouseEvent, useCallback } from "react";
import { useEditor } from "../editor/context";
import type { Editor, MenuRequest } from "../editor/store";
import type { Point } from "../graph/document";
import { sameReroute } from "../graph/reroutes";
import type { CanvasParts } from "./context";
import { boxAt, curveAt, rerouteAt } from "./scene";
import { LINK_REACH, REROUTE_REACH } from "./usePanePointer";

export function useMenu(parts: CanvasParts) {
  const editor = useEditor();
  return useCallback(
    (event: MouseEvent<HTMLElement>) => {
      const element = event.target as Element;
      // Texts keep the browser's own menu, with its spelling and paste, and so do players.
      if (event.shiftKey || element.closest("input:not([type=range]), textarea, [contenteditable], video, select"))
        return;
      event.preventDefault();
      const screen: Point = [event.clientX, event.clientY];
      const at = parts.toGraph(...screen);
      const target = onElement(editor, element) ?? onPane(editor, parts, at);
      editor.view.setState({ menu: { at, screen, target }, pointer: at });
    },
    [editor, parts],
  );
}

type Target = MenuRequest["target"];

/** What is mounted under the pointer: a socket, a node, or a group or note. */
export function onElement(editor: Editor, element: Element): Target | null {
  const node = element.closest<HTMLElement>("article[data-node]")?.dataset["node"];
  const frame = element.closest<HTMLElement>(".react-flow__node-group_frame, .react-flow__node-note")?.dataset["id"];
  const id = node ?? frame;
  if (id === undefined) return null;
  const { selection } = editor.document.getState();
  if (!selection.has(id)) editor.select([id]);
  if (node === undefined) return { kind: "frame" };
  const port = element.closest<HTMLElement>("[data-port]") ?? portOfRow(element);
  const name = port?.dataset["name"];
  if (name === undefined) return { kind: "nodes" };
  return { kind: "socket", side: port?.dataset["port"] === "output" ? "outputs" : "inputs", node, name };
}

/** The port of the knob, or beside the name, that the pointer is on. */
function portOfRow(element: Element): HTMLElement | null {
  return element.closest(".row.knob, .port-label")?.querySelector<HTMLElement>("[data-port]") ?? null;
}

/** What is painted under the pointer: a point of a link, a link, a node from far away, or nothing. */
function onPane(editor: Editor, parts: CanvasParts, at: Point): Target {
  const { zoom } = editor.view.getState().viewport;
  const { selection, reroutes } = editor.document.getState();
  const scene = parts.scene.current;
  const reroute = rerouteAt(scene, at, REROUTE_REACH / zoom);
  if (reroute) {
    if (!reroutes.some((entry) => sameReroute(entry, reroute))) editor.selectReroutes([reroute]);
    return { kind: "reroute" };
  }
  const box = parts.far.current ? boxAt(scene, at) : undefined;
  if (box) {
    if (!selection.has(box.id)) editor.select([box.id]);
    return { kind: "nodes" };
  }
  const link = curveAt(scene, at, LINK_REACH / zoom)?.end;
  if (!link) return { kind: "canvas" };
  editor.selectLinks([link]);
  return { kind: "link" };
}
