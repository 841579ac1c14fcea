import { useEditor, useLook, useView } from "../editor/context";
import { shapeOfLinks } from "../editor/look";
import type { Connecting } from "../editor/store";
import { inputsOf, nodesOf, type Point, type Scope } from "../graph/document";
import { viaOf } from "../graph/reroutes";
import { t } from "../i18n";
import { useCanvas } from "./context";
import { type Line, linePath } from "./curves";
import { inputPoint, outputPoint, type Scene } from "./scene";

/** The links that are being dragged, above the nodes, and the reason when they are refused. */
export function LinkOverlay() {
  const editor = useEditor();
  const canvas = useCanvas();
  const drag = useView((view) => view.connecting);
  const viewport = useView((view) => view.viewport);
  const shape = useLook((look) => shapeOfLinks(look.links));
  if (!drag) return null;
  const end = endOf(canvas.scene.current, drag);
  const lines = linesOf(canvas.scene.current, editor.scope, drag, end).map((line) => ({ ...line, shape }));
  const color = drag.refusal ? "var(--danger)" : canvas.colorOf(drag.type);
  const screen = { left: drag.at[0] * viewport.zoom + viewport.x, top: drag.at[1] * viewport.zoom + viewport.y };
  return (
    <>
      <svg className="link-overlay" aria-hidden="true">
        <g transform={`translate(${viewport.x} ${viewport.y}) scale(${viewport.zoom})`}>
          {lines.map((line) => (
            <path key={linePath(line)} d={linePath(line)} stroke={color} data-refused={drag.refusal !== null} />
          ))}
          <circle cx={end[0]} cy={end[1]} r={drag.target && !drag.refusal ? 7 : 4.5} fill={color} />
        </g>
      </svg>
      {drag.refusal && (
        <div className="link-tip" style={screen} role="status">
          {t(`connect.${drag.refusal.code}`, { from: drag.refusal.from, to: drag.refusal.to })}
        </div>
      )}
    </>
  );
}

/** Where the dragged end is: at the pointer, or at the port that it snaps to. */
function endOf({ boxes }: Scene, { target, refusal, at }: Connecting): Point {
  const box = target && boxes.get(target.node);
  if (!target || !box || refusal) return at;
  return "input" in target ? inputPoint(box, target.input) : outputPoint(box, target.output);
}

function linesOf({ boxes }: Scene, scope: Scope, drag: Connecting, end: Point): Line[] {
  if (drag.from.side === "output") {
    const box = boxes.get(drag.from.end.node);
    return box ? [{ from: outputPoint(box, drag.from.end.output), to: end, via: drag.via }] : [];
  }
  return (drag.sources ? drag.moved : [drag.from.end]).flatMap(({ node, input }) => {
    const box = boxes.get(node);
    const via = drag.sources ? viaOf(inputsOf(nodesOf(scope)[node] ?? { type: "" })[input]) : [];
    return box ? [{ from: end, to: inputPoint(box, input), via }] : [];
  });
}
