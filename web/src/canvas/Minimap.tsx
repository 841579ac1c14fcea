import { type PointerEvent, useEffect, useRef } from "react";
import { useDocument, useEditor, useRun, useView } from "../editor/context";
import type { Editor } from "../editor/store";
import type { Point } from "../graph/document";
import { t } from "../i18n";
import { localRuns } from "../run/local";
import type { NodeRun } from "../run/state";
import { type CanvasParts, useCanvas } from "./context";
import type { Rect } from "./curves";
import { GROUP_COLORS, GROUP_SIZE } from "./frames";
import { frameRect } from "./grouping";
import { mainType } from "./mainType";
import { problemsByNode } from "./problems";
import { boundsOf, type Scene } from "./scene";
import { fitting, type Viewport, viewRect } from "./window";

const SIZE: Point = [188, 124];
/** The least view that has room for it beside the zoom bar. */
const LEAST: Point = [400, 240];
const PADDING = 10;
const MOST_LINKS = 400;

/** The whole graph in the corner, while there is room for it. */
export function Minimap() {
  const fits = useView(({ size }) => size[0] >= LEAST[0] && size[1] >= LEAST[1]);
  return fits && <Picture />;
}

/** The graph with the part that is in view; drag in it to look elsewhere. */
function Picture() {
  const editor = useEditor();
  const canvas = useCanvas();
  const element = useRef<HTMLCanvasElement>(null);
  const trail = useDocument((state) => state.trail);
  const runs = useRun((state) => localRuns(state.nodes, trail));
  const problems = useRun((state) => state.problems);
  const map = useRef<Viewport>({ x: 0, y: 0, zoom: 1 });

  useEffect(() => {
    const context = element.current?.getContext("2d");
    if (!context) return;
    let frame = 0;
    const draw = () => {
      frame = 0;
      const { history, scope } = editor.document.getState();
      const faulty = problemsByNode(problems, history.document, scope);
      map.current = paintMap(context, editor, canvas, runs, faulty);
    };
    const request = () => {
      if (frame === 0) frame = requestAnimationFrame(draw);
    };
    const stops = [editor.view.subscribe(request), editor.document.subscribe(request)];
    request();
    return () => {
      cancelAnimationFrame(frame);
      for (const stop of stops) stop();
    };
  }, [editor, canvas, runs, problems]);

  function look(event: PointerEvent<HTMLCanvasElement>) {
    if (event.buttons !== 1) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const box = event.currentTarget.getBoundingClientRect();
    const { x, y, zoom } = map.current;
    const at = [(event.clientX - box.left - x) / zoom, (event.clientY - box.top - y) / zoom] as const;
    const { viewport, size } = editor.view.getState();
    editor.view.setState({
      goal: { x: size[0] / 2 - at[0] * viewport.zoom, y: size[1] / 2 - at[1] * viewport.zoom, zoom: viewport.zoom },
    });
  }

  const ratio = window.devicePixelRatio || 1;
  return (
    <canvas
      ref={element}
      className="minimap"
      aria-label={t("cmd.minimap")}
      width={SIZE[0] * ratio}
      height={SIZE[1] * ratio}
      style={{ width: SIZE[0], height: SIZE[1] }}
      onPointerDown={look}
      onPointerMove={look}
    />
  );
}

/** Paint the graph and the view's frame; returns the view under which it was painted. */
function paintMap(
  context: CanvasRenderingContext2D,
  editor: Editor,
  canvas: CanvasParts,
  runs: ReadonlyMap<string, NodeRun>,
  faulty: ReadonlyMap<string, unknown>,
): Viewport {
  const { colorOf: typeColor } = canvas;
  const scene = canvas.scene.current;
  const style = getComputedStyle(context.canvas);
  const view = editor.view.getState();
  const seen = viewRect(view.viewport, view.size);
  const bounds = boundsOf(scene.boxes.values());
  const map = fitting(bounds ? around(bounds, seen) : seen, SIZE, 1, PADDING, 0);
  const { x, y, zoom } = map;
  const ratio = window.devicePixelRatio || 1;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, SIZE[0], SIZE[1]);
  const { selection } = editor.document.getState();
  paintGroups(context, editor, map);
  paintLinks(context, scene, map, style.getPropertyValue("--text-3"));
  for (const box of scene.boxes.values()) {
    const { width, height } = box.shape;
    const mark = faulty.has(box.id) ? "--danger" : markOf(runs.get(box.id), selection.has(box.id));
    context.fillStyle = mark ? style.getPropertyValue(mark) : (box.color ?? typeColor(mainType(box.definition)));
    context.fillRect(box.x * zoom + x, box.y * zoom + y, Math.max(width * zoom, 2), Math.max(height * zoom, 2));
  }
  context.strokeStyle = style.getPropertyValue("--accent");
  context.lineWidth = 1.5;
  const { x0, y0, x1, y1 } = seen;
  context.strokeRect(x0 * zoom + x, y0 * zoom + y, (x1 - x0) * zoom, (y1 - y0) * zoom);
  return map;
}

function paintGroups(context: CanvasRenderingContext2D, editor: Editor, { x, y, zoom }: Viewport): void {
  context.globalAlpha = 0.28;
  for (const group of editor.scope.groups ?? []) {
    const { x0, y0, x1, y1 } = frameRect(group, GROUP_SIZE);
    context.fillStyle = group.color ?? GROUP_COLORS[0];
    context.fillRect(x0 * zoom + x, y0 * zoom + y, (x1 - x0) * zoom, (y1 - y0) * zoom);
  }
  context.globalAlpha = 1;
}

/** Straight, and only while they can be told apart. */
function paintLinks(context: CanvasRenderingContext2D, scene: Scene, { x, y, zoom }: Viewport, color: string): void {
  if (scene.curves.length > MOST_LINKS) return;
  context.strokeStyle = color;
  context.globalAlpha = 0.5;
  context.lineWidth = 1;
  context.beginPath();
  for (const { from, to } of scene.curves) {
    context.moveTo(from[0] * zoom + x, from[1] * zoom + y);
    context.lineTo(to[0] * zoom + x, to[1] * zoom + y);
  }
  context.stroke();
  context.globalAlpha = 1;
}

function markOf(run: NodeRun | undefined, selected: boolean): string | null {
  if (run?.state === "failed") return "--danger";
  return run?.state === "running" || selected ? "--accent" : null;
}

function around(one: Rect, other: Rect): Rect {
  return {
    x0: Math.min(one.x0, other.x0),
    y0: Math.min(one.y0, other.y0),
    x1: Math.max(one.x1, other.x1),
    y1: Math.max(one.y1, other.y1),
  };
}
