/** Moving painted nodes from far away, where none is mounted. */
import type { Editor } from "../../editor/store";
import type { Point } from "../../graph/document";
import type { CanvasParts } from "../context";
import { duplicateInPlace, shifted, startPlaces, writePlaces } from "../moving";
import type { Box } from "../scene";
import { track } from "./track";

/** Pixels that the pointer may move before a press becomes a drag. */
const SLACK = 4;

export function dragBoxes(
  editor: Editor,
  parts: CanvasParts,
  from: Point,
  box: Box,
  keys: { adds: boolean; copies: boolean },
): void {
  const { selection } = editor.document.getState();
  if (keys.adds)
    editor.select(selection.has(box.id) ? [...selection].filter((id) => id !== box.id) : [...selection, box.id]);
  else if (!selection.has(box.id)) editor.select([box.id]);
  let places: ReadonlyMap<string, Point> | null = null;
  let copied: ReturnType<typeof duplicateInPlace> = null;
  track(parts, {
    move: (to) => {
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      if (!places && Math.hypot(dx, dy) * editor.view.getState().viewport.zoom <= SLACK) return;
      if (!places) {
        const { selection: chosen } = editor.document.getState();
        copied = keys.copies ? duplicateInPlace(editor, parts.scene.current, chosen) : null;
        places = copied?.places ?? startPlaces(editor, parts.scene.current, chosen);
      }
      editor.view.setState({ drag: shifted(places, dx, dy) });
    },
    end: () => {
      const { drag } = editor.view.getState();
      editor.view.setState({ drag: null });
      if (!drag) return;
      if (copied) copied.finish(drag);
      else writePlaces(editor, parts.scene.current, drag);
    },
    cancel: () => {
      editor.view.setState({ drag: null });
      copied?.cancel();
    },
  });
}
