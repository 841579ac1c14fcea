/** Selecting with a rectangle: what it touches, alone, added to what was selected, or taken from it. */
import type { Editor } from "../../editor/store";
import type { Point } from "../../graph/document";
import type { CanvasParts } from "../context";
import { rectBetween } from "../curves";
import { framesIn } from "../grouping";
import { boxesIn } from "../scene";
import { track } from "./track";

export type BoxMode = "only" | "add" | "subtract";

/** `onClick` is done when the pointer is let go where it was pressed. */
export function drawBox(editor: Editor, parts: CanvasParts, from: Point, mode: BoxMode, onClick?: () => void): void {
  const { selection } = editor.document.getState();
  const before = mode === "only" ? new Set<string>() : selection;
  track(parts, {
    move: (to) => {
      const rect = rectBetween(from, to);
      const inside = [...boxesIn(parts.scene.current, rect), ...framesIn(editor.scope, rect)];
      if (mode === "subtract") editor.select([...before].filter((id) => !inside.includes(id)));
      else editor.select([...before, ...inside]);
      editor.view.setState({ stroke: { kind: "box", from, to } });
    },
    end: () => {
      const { stroke } = editor.view.getState();
      editor.view.setState({ stroke: null });
      if (!stroke) onClick?.();
    },
    cancel: () => {
      editor.select(selection);
      editor.view.setState({ stroke: null });
    },
  });
}
