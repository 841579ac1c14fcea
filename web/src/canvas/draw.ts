/** Paints what lies below the mounted nodes: grid, links, and from far away the nodes themselves. */
import type { InputEnd } from "../graph/connect";
import type { Point } from "../graph/document";
import { type Reroute, sameReroute } from "../graph/reroutes";
import type { NodeRun } from "../run/state";
import { lineRect, overlaps, segmentsOf } from "./curves";
import { mainType } from "./mainType";
import { type Box, boxRect, type Curve, type Scene } from "./scene";
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
  /** Whether only the links of selected nodes are drawn. */
  readonly linksHidden: boolean;
  readonly hovered: InputEnd | null;
  /** Links that are being moved: not drawn, since an end of each follows the pointer. */
  readonly hidden: readonly InputEnd[];
  readonly reroutes: readonly Reroute[];
  readonly hoveredReroute: Reroute | null;
  readonly runs: ReadonlyMap<string, NodeRun>;
  readonly faulty: { has(id: string): boolean };
};

const GRID = 24;
/** Radius of the points that links pass. */
const REROUTE = 5;

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
    if (picture.hidden.some((end) => same(end, curve.end)) || !overlaps(lineRect(curve), view)) continue;
    const lit = same(picture.hovered, curve.end) || picture.links.some((end) => same(end, curve.end));
    const near = lit || picture.selection.has(curve.end.node) || picture.selection.has(curve.source);
    if (picture.linksHidden && !near) continue;
    const look = { lit, near, width: Math.max(2.2, 1.1 / zoom) };
    strokeCurve(context, curve, picture, look);
    paintReroutes(context, curve, picture, look);
  }
  context.globalAlpha = 1;
}

type Look = { readonly lit: boolean; readonly near: boolean; readonly width: number };

function strokeCurve(context: CanvasRenderingContext2D, curve: Curve, picture: Picture, look: Look): void {
  context.beginPath();
  context.moveTo(curve.from[0], curve.from[1]);
  for (const [, one, two, end] of segmentsOf(curve))
    context.bezierCurveTo(one[0], one[1], two[0], two[1], end[0], end[1]);
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

/** The points that a link passes, as dots to take hold of; with a ring where they are meant. */
function paintReroutes(context: CanvasRenderingContext2D, curve: Curve, picture: Picture, look: Look): void {
  const { palette, viewport } = picture;
  for (const [index, [x, y]] of curve.via.entries()) {
    const own = { end: curve.end, index };
    const chosen = picture.reroutes.some((reroute) => sameReroute(reroute, own));
    const lit = chosen || (picture.hoveredReroute !== null && sameReroute(picture.hoveredReroute, own));
    context.globalAlpha = curve.faint ? 0.5 : 1;
    context.fillStyle = palette.canvas;
    context.beginPath();
    context.arc(x, y, Math.max(REROUTE + 2, look.width * 1.6 + 1.5), 0, Math.PI * 2);
    context.fill();
    context.fillStyle = shaded(picture.colorOf(curve.type), palette.shade);
    context.beginPath();
    context.arc(x, y, Math.max(REROUTE, look.width * 1.6), 0, Math.PI * 2);
    context.fill();
    if (!lit) continue;
    context.strokeStyle = chosen ? palette.accent : palette.text;
    context.lineWidth = 2 / viewport.zoom;
    context.beginPath();
    context.arc(x, y, Math.max(REROUTE + 3, look.width * 1.6 + 3), 0, Math.PI * 2);
    context.stroke();
  }
}

function paintFar(context: CanvasRenderingContext2D, picture: Picture): void {
  const view = viewRect(picture.viewport, picture.size);
  for (const box of picture.scene.boxes.values()) if (overlaps(boxRect(box), view)) paintBox(context, picture, box);
}

function paintBox(context: CanvasRenderingContext2D, picture: Picture, box: Box): void {
  const { palette, viewport } = picture;
  const { width, height } = box.shape;
  const run = picture.runs.get(box.id);
  context.globalAlpha = box.mode === "run" ? 1 : 0.45;
  context.fillStyle = palette.node;
  context.beginPath();
  context.roundRect(box.x, box.y, width, height, 12);
  context.fill();
  context.fillStyle = palette.header;
  context.beginPath();
  context.roundRect(box.x, box.y, width, Math.min(height, 42), [12, 12, height > 42 ? 0 : 12, height > 42 ? 0 : 12]);
  context.fill();
  context.globalAlpha *= box.color ? 0.6 : 0.4;
  context.fillStyle = box.color ?? shaded(picture.colorOf(mainType(box.definition)), palette.shade);
  context.fill();
  context.globalAlpha = box.mode === "run" ? 1 : 0.45;
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
