/** Paints what lies below the mounted nodes: grid, links, and from far away the nodes themselves. */
import type { InputEnd } from "../graph/connect";
import type { Point } from "../graph/document";
import type { NodeRun } from "../run/state";
import { mainType } from "./mainType";
import { type Box, bend, boxRect, type Curve, curveRect, overlaps, type Scene } from "./scene";
import { type Viewport, viewRect } from "./window";

/** Colors of the current theme, read from its CSS variables. */
export type Palette = {
  readonly canvas: string;
  readonly dot: string;
  readonly node: string;
  readonly header: string;
  readonly border: string;
  readonly text: string;
  readonly accent: string;
  readonly danger: string;
  readonly success: string;
  /** How much black is mixed into the colors of ports and links, from 0 to 1: light themes need some. */
  readonly shade: number;
};

export type Picture = {
  readonly viewport: Viewport;
  readonly size: Point;
  readonly scene: Scene;
  /** Whether the nodes are painted too. */
  readonly far: boolean;
  readonly palette: Palette;
  readonly colorOf: (type: string) => string;
  readonly selection: ReadonlySet<string>;
  readonly links: readonly InputEnd[];
  readonly hovered: InputEnd | null;
  /** A link that is being moved: not drawn, since its end follows the pointer. */
  readonly hidden: InputEnd | null;
  readonly runs: { readonly [id: string]: NodeRun };
  readonly faulty: ReadonlySet<string>;
};

const GRID = 24;

export function readPalette(style: CSSStyleDeclaration): Palette {
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    canvas: color("canvas"),
    dot: color("canvas-dot"),
    node: color("node"),
    header: color("node-header"),
    border: color("node-border"),
    text: color("text"),
    accent: color("accent"),
    danger: color("danger"),
    success: color("success"),
    shade: Number(color("port-shade")) || 0,
  };
}

/** `#rrggbb` with some black in it. */
function shaded(color: string, shade: number): string {
  if (shade === 0 || !/^#[0-9a-f]{6}$/i.test(color)) return color;
  const parts = [1, 3, 5].map((at) => Math.round(Number.parseInt(color.slice(at, at + 2), 16) * (1 - shade)));
  return `rgb(${parts.join(" ")})`;
}

export function paint(context: CanvasRenderingContext2D, picture: Picture, ratio: number): void {
  const { viewport, size, palette } = picture;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = palette.canvas;
  context.fillRect(0, 0, size[0], size[1]);
  paintGrid(context, picture);
  context.setTransform(ratio * viewport.zoom, 0, 0, ratio * viewport.zoom, ratio * viewport.x, ratio * viewport.y);
  paintLinks(context, picture);
  if (picture.far) paintFar(context, picture);
}

function paintGrid(context: CanvasRenderingContext2D, { viewport, size, palette }: Picture): void {
  let step = GRID * viewport.zoom;
  while (step < 16) step *= 4;
  const dot = Math.max(1, Math.min(1.6, viewport.zoom * 1.3));
  context.fillStyle = palette.dot;
  const x0 = ((viewport.x % step) + step) % step;
  const y0 = ((viewport.y % step) + step) % step;
  context.beginPath();
  for (let y = y0; y < size[1]; y += step)
    for (let x = x0; x < size[0]; x += step) context.rect(Math.round(x), Math.round(y), dot, dot);
  context.fill();
}

function same(one: InputEnd | null, other: InputEnd): boolean {
  return one !== null && one.node === other.node && one.input === other.input;
}

function paintLinks(context: CanvasRenderingContext2D, picture: Picture): void {
  const view = viewRect(picture.viewport, picture.size, 20);
  const { zoom } = picture.viewport;
  context.lineCap = "round";
  for (const curve of picture.scene.curves) {
    if (same(picture.hidden, curve.end) || !overlaps(curveRect(curve), view)) continue;
    const lit = same(picture.hovered, curve.end) || picture.links.some((end) => same(end, curve.end));
    const near = lit || picture.selection.has(curve.end.node) || picture.selection.has(curve.source);
    strokeCurve(context, curve, picture, { lit, near, width: Math.max(2.2, 1.1 / zoom) });
  }
  context.globalAlpha = 1;
}

type Look = { readonly lit: boolean; readonly near: boolean; readonly width: number };

function strokeCurve(context: CanvasRenderingContext2D, curve: Curve, picture: Picture, look: Look): void {
  const { from, to } = curve;
  const b = bend(from, to);
  context.beginPath();
  context.moveTo(from[0], from[1]);
  context.bezierCurveTo(from[0] + b, from[1], to[0] - b, to[1], to[0], to[1]);
  // A rim in the canvas's color keeps crossing links apart.
  context.globalAlpha = 1;
  context.strokeStyle = picture.palette.canvas;
  context.lineWidth = look.width + 3;
  context.stroke();
  context.globalAlpha = curve.faint ? 0.25 : look.near ? 1 : 0.72;
  context.strokeStyle = shaded(picture.colorOf(curve.type), picture.palette.shade);
  context.lineWidth = look.lit ? look.width + 1.8 : look.width;
  context.stroke();
}

function paintFar(context: CanvasRenderingContext2D, picture: Picture): void {
  const view = viewRect(picture.viewport, picture.size);
  for (const box of picture.scene.boxes.values()) if (overlaps(boxRect(box), view)) paintBox(context, picture, box);
}

function paintBox(context: CanvasRenderingContext2D, picture: Picture, box: Box): void {
  const { palette, viewport } = picture;
  const { width, height } = box.shape;
  const run = picture.runs[box.id];
  context.globalAlpha = box.mode === "run" ? 1 : 0.45;
  context.fillStyle = palette.node;
  context.beginPath();
  context.roundRect(box.x, box.y, width, height, 12);
  context.fill();
  context.fillStyle = box.color ?? palette.header;
  context.beginPath();
  context.roundRect(box.x, box.y, width, Math.min(height, 42), [12, 12, height > 42 ? 0 : 12, height > 42 ? 0 : 12]);
  context.fill();
  if (!box.color) {
    context.globalAlpha *= 0.4;
    context.fillStyle = shaded(picture.colorOf(mainType(box.definition)), picture.palette.shade);
    context.fill();
    context.globalAlpha = box.mode === "run" ? 1 : 0.45;
  }
  const border = stateColor(picture, box, run);
  context.strokeStyle = border ?? palette.border;
  context.lineWidth = (border ? 2 : 1) / viewport.zoom;
  context.beginPath();
  context.roundRect(box.x, box.y, width, height, 12);
  context.stroke();
  paintTitle(context, picture, box);
  context.globalAlpha = 1;
}

function stateColor(picture: Picture, box: Box, run: NodeRun | undefined): string | null {
  if (picture.faulty.has(box.id) || run?.state === "failed") return picture.palette.danger;
  if (picture.selection.has(box.id) || run?.state === "running") return picture.palette.accent;
  return null;
}

/** Titles stay readable as long as they fit: larger than the node's own, in its middle. */
function paintTitle(context: CanvasRenderingContext2D, picture: Picture, box: Box): void {
  if (picture.viewport.zoom < 0.12) return;
  const size = Math.min(13 / picture.viewport.zoom, 44);
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.fillStyle = picture.palette.text;
  context.textBaseline = "middle";
  context.textAlign = "center";
  const room = box.shape.width - 16;
  let title = box.title;
  if (context.measureText(title).width > room) {
    while (title.length > 1 && context.measureText(`${title}…`).width > room) title = title.slice(0, -1);
    title += "…";
  }
  context.fillText(title, box.x + box.shape.width / 2, box.y + Math.max(box.shape.height / 2, 21));
}
