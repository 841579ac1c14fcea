/** Follows a pressed pointer until it is let go, or until Escape takes everything back. */
import type { Point } from "../../graph/document";
import type { CanvasParts } from "../context";

export type Tracking = {
  /** The pointer is at a place of the graph. */
  readonly move: (at: Point) => void;
  readonly end: () => void;
  readonly cancel: () => void;
};

export function track(parts: CanvasParts, { move, end, cancel }: Tracking): void {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  window.addEventListener("pointermove", (event) => move(parts.toGraph(event.clientX, event.clientY)), options);
  const finish = (done: () => void) => () => {
    stop.abort();
    done();
  };
  window.addEventListener("pointerup", finish(end), options);
  window.addEventListener("pointercancel", finish(cancel), options);
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    finish(cancel)();
  };
  window.addEventListener("keydown", onKey, { ...options, capture: true });
}
