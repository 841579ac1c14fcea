/** How high the row of a knob is, by its widget and by what it holds: computed, never measured. Pure. */
import { type InputSocket, isArea, type NodeDefinition } from "../graph/catalogue";
import { inputsOf, isObject, type Json, type NodeInstance } from "../graph/document";
import { kindOfFile } from "../media/frames";

export const KNOB_ROW = 32;

/** A picture or a waveform below the name of a file, and the strip below the start of a part. */
const PREVIEW = 92;
const WAVE = 50;
const STRIP = 48;
/** A text area: its label and edges, a line of text, and from how many lines to how many it grows. */
const AREA_FRAME = 40;
const LINE = 17;
const FEWEST_LINES = 4;
const MOST_LINES = 14;
/** Pixels of a letter, about, and what the field's sides take of the node's width. */
const LETTER = 6.3;
const SIDES = 42;
export const LEAST_AREA = 74;
export const MOST_AREA = 900;

export function knobHeight(
  node: NodeInstance,
  socket: InputSocket,
  definition: NodeDefinition,
  linked: boolean,
  width: number,
): number {
  if (linked) return KNOB_ROW;
  const { widget } = socket;
  if (isArea(socket)) return areaHeight(node, socket, width);
  if (widget?.kind === "pack") return widget.height + 4;
  if (widget?.kind === "file" && widget.root === "uploads") return KNOB_ROW + previewHeight(heldBy(node, socket));
  if (widget?.kind !== "trim") return KNOB_ROW;
  const file = definition.inputs.find((entry) => entry.name === widget.file);
  const kind = file && kindOfHeld(heldBy(node, file));
  return kind === "video" || kind === "audio" ? KNOB_ROW + STRIP : KNOB_ROW;
}

function previewHeight(value: Json | undefined): number {
  const kind = kindOfHeld(value);
  return kind === null ? 0 : kind === "audio" ? WAVE : PREVIEW;
}

/** As high as it was dragged, else as high as its text needs. */
function areaHeight(node: NodeInstance, socket: InputSocket, width: number): number {
  const dragged = node.heights?.[socket.name];
  if (typeof dragged === "number") return Math.min(Math.max(dragged, LEAST_AREA), MOST_AREA);
  const value = heldBy(node, socket);
  const letters = Math.max(Math.floor((width - SIDES) / LETTER), 8);
  const lines = typeof value === "string" ? countLines(value, letters) : 1;
  return AREA_FRAME + LINE * Math.min(Math.max(lines, FEWEST_LINES), MOST_LINES);
}

/** Lines that a text takes when each holds so many letters. */
export function countLines(text: string, letters: number): number {
  let lines = 0;
  for (const line of text.slice(0, letters * MOST_LINES * 2).split("\n"))
    lines += Math.max(Math.ceil(line.length / letters), 1);
  return lines;
}

function kindOfHeld(value: Json | undefined) {
  return typeof value === "string" ? kindOfFile(value) : null;
}

/** What a knob holds, or its default; undefined while it is linked. */
export function heldBy(node: NodeInstance, socket: InputSocket): Json | undefined {
  const value = inputsOf(node)[socket.name];
  if (value === undefined) return socket.default;
  return isObject(value) ? undefined : value;
}
