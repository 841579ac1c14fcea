import { useView } from "../editor/context";
import { t } from "../i18n";
import { useCanvas } from "./context";
import { curvePath, inputPoint, outputPoint } from "./scene";

/** The link that is being dragged, above the nodes, and the reason when it is refused. */
export function LinkOverlay() {
  const canvas = useCanvas();
  const drag = useView((view) => view.connecting);
  const viewport = useView((view) => view.viewport);
  if (!drag) return null;
  const { boxes } = canvas.scene.current;
  const fixed = boxes.get(drag.from.end.node);
  if (!fixed) return null;
  const start =
    drag.from.side === "output" ? outputPoint(fixed, drag.from.end.output) : inputPoint(fixed, drag.from.end.input);
  const target = drag.target && boxes.get(drag.target.node);
  const snapped =
    target && drag.target
      ? "input" in drag.target
        ? inputPoint(target, drag.target.input)
        : outputPoint(target, drag.target.output)
      : drag.at;
  const end = drag.refusal ? drag.at : snapped;
  const color = drag.refusal ? "var(--danger)" : canvas.colorOf(drag.type);
  const [from, to] = drag.from.side === "output" ? [start, end] : [end, start];
  const screen = { left: drag.at[0] * viewport.zoom + viewport.x, top: drag.at[1] * viewport.zoom + viewport.y };
  return (
    <>
      <svg className="link-overlay" aria-hidden="true">
        <g transform={`translate(${viewport.x} ${viewport.y}) scale(${viewport.zoom})`}>
          <path d={curvePath(from, to)} stroke={color} data-refused={drag.refusal !== null} />
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
