import { useView } from "../editor/context";
import { rectBetween } from "./curves";

/** The box or the knife's line that the pointer draws. */
export function StrokeOverlay() {
  const stroke = useView((view) => view.stroke);
  const viewport = useView((view) => view.viewport);
  if (!stroke) return null;
  const rect = stroke.kind === "box" ? rectBetween(stroke.from, stroke.to) : null;
  return (
    <svg className="stroke-overlay" data-kind={stroke.kind} aria-hidden="true">
      <g transform={`translate(${viewport.x} ${viewport.y}) scale(${viewport.zoom})`}>
        {rect && <rect x={rect.x0} y={rect.y0} width={rect.x1 - rect.x0} height={rect.y1 - rect.y0} />}
        {stroke.kind === "knife" && <polyline points={stroke.points.map((point) => point.join(",")).join(" ")} />}
      </g>
    </svg>
  );
}
