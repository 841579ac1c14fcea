/** Cutting links by drawing a line across them. */
import type { Editor } from "../../editor/store";
import type { Point } from "../../graph/document";
import { disconnect } from "../../graph/removing";
import type { CanvasParts } from "../context";
import { isCut } from "../curves";
import { track } from "./track";

/** Pixels after which the line gets a new corner. */
const STEP = 6;

export function drawKnife(editor: Editor, parts: CanvasParts, from: Point): void {
  let points: readonly Point[] = [from];
  const hits = () => parts.scene.current.curves.filter((curve) => isCut(curve, points)).map((curve) => curve.end);
  const stop = () => editor.view.setState({ stroke: null });
  track(parts, {
    move: (to) => {
      const last = points.at(-1) ?? from;
      const { zoom } = editor.view.getState().viewport;
      if (Math.hypot(to[0] - last[0], to[1] - last[1]) * zoom < STEP) return;
      points = [...points, to];
      editor.view.setState({ stroke: { kind: "knife", points } });
      // What would be cut is shown as selected.
      editor.selectLinks(hits());
    },
    end: () => {
      const ends = hits();
      stop();
      editor.selectLinks([]);
      editor.edit((workflow, path) => disconnect(workflow, path, ends));
    },
    cancel: () => {
      stop();
      editor.selectLinks([]);
    },
  });
}
