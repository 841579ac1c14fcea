import { useView } from "../editor/context";

/** Lines that what is dragged falls in with, above the nodes. */
export function GuideOverlay() {
  const guides = useView((view) => view.guides);
  const { x, y, zoom } = useView((view) => view.viewport);
  if (guides.length === 0) return null;
  return (
    <svg className="guides" aria-hidden="true">
      {guides.map(({ axis, at, from, to }) => {
        const [line, start, end] =
          axis === "x"
            ? [at * zoom + x, from * zoom + y, to * zoom + y]
            : [at * zoom + y, from * zoom + x, to * zoom + x];
        return axis === "x" ? (
          <line key={axis} x1={line} x2={line} y1={start} y2={end} />
        ) : (
          <line key={axis} x1={start} x2={end} y1={line} y2={line} />
        );
      })}
    </svg>
  );
}
