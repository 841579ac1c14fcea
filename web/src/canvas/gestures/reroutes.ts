/** Taking hold of the points that links pass. */
import type { Editor } from "../../editor/store";
import type { Point } from "../../graph/document";
import { moveReroutes, pointOf, type Reroute, sameReroute, sharing } from "../../graph/reroutes";
import type { CanvasParts } from "../context";
import { rerouteKey, type Scene } from "../scene";
import { track } from "./track";

/** Pixels from the level of a neighbour at which a point is drawn to it. */
const LEVEL = 7;

/** Select a point and move it, with the others that are selected, until the pointer is let go. */
export function dragReroutes(editor: Editor, parts: CanvasParts, from: Point, reroute: Reroute, adds: boolean): void {
  const { reroutes } = editor.document.getState();
  const isChosen = reroutes.some((entry) => sameReroute(entry, reroute));
  const others = isChosen ? reroutes : adds ? [...reroutes, reroute] : [reroute];
  editor.selectReroutes(others);
  const { scope } = editor;
  const levels = others.length === 1 ? neighbours(parts.scene.current, reroute) : [];
  let places: { reroute: Reroute; at: Point }[] = [];
  track(parts, {
    move: (to) => {
      const reach = LEVEL / editor.view.getState().viewport.zoom;
      places = others.flatMap((entry) => {
        const at = pointOf(scope, entry);
        return at
          ? [{ reroute: entry, at: [at[0] + to[0] - from[0], levelled(at[1] + to[1] - from[1], levels, reach)] }]
          : [];
      });
      const all = places.flatMap(({ reroute: entry, at }) =>
        sharing(scope, entry).map((one) => [rerouteKey(one), at] as const),
      );
      editor.view.setState({ drag: new Map(all) });
    },
    end: () => {
      editor.view.setState({ drag: null });
      editor.edit((workflow, path) => moveReroutes(workflow, path, places));
    },
    cancel: () => editor.view.setState({ drag: null }),
  });
}

function levelled(y: number, levels: readonly number[], reach: number): number {
  return levels.find((level) => Math.abs(level - y) < reach) ?? y;
}

/** Heights of what lies before and after a point on its link. */
function neighbours(scene: Scene, { end, index }: Reroute): number[] {
  const curve = scene.curves.find((entry) => entry.end.node === end.node && entry.end.input === end.input);
  if (!curve) return [];
  return [curve.via[index - 1] ?? curve.from, curve.via[index + 1] ?? curve.to].map(([, y]) => y);
}
