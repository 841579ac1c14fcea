/**
 * How large a node is and where its ports are, computed and never measured: links to nodes that are not drawn need it,
 * and the browser is spared a layout. The rows here are drawn one to one by NodeCard.
 */
import {
  type Definitions,
  type InputSocket,
  isArea,
  isShown,
  type NodeDefinition,
  type OutputSocket,
} from "../graph/catalogue";
import { inputsOf, isLink, linksOf, type NodeInstance, nodesOf, type Point, type Scope } from "../graph/document";

import { KNOB_ROW, knobHeight } from "./knobHeight";

export const HEADER = 36;
const PORT_ROW = 24;
const ADVANCED_ROW = 26;
const FAULT_ROW = 76;
const PADDING = 8;
export const DEFAULT_WIDTH = 240;
const SINK_WIDTH = 280;
export const MIN_WIDTH = 180;
/** Bars and edges around the picture of a player, and how high its picture is at least. */
const PLAYER_BARS = 78;
const IMAGE_BARS = 8;
const LEAST_PICTURE = 150;
const SOUND_HEIGHT = 118;

/** What a run adds to a node's face. */
export type Face = { readonly media: "none" | "player" | "image" | "sound"; readonly fault: boolean };
export const PLAIN_FACE: Face = { media: "none", fault: false };

export type Row =
  | { readonly kind: "ports"; readonly height: number; readonly input?: InputSocket; readonly output?: OutputSocket }
  | {
      readonly kind: "knob";
      readonly height: number;
      readonly socket: InputSocket;
      /** Whether it is a text of several lines, which takes up the height that a node is given. */
      readonly area?: boolean;
    }
  | { readonly kind: "advanced"; readonly height: number; readonly count: number; readonly open: boolean }
  | { readonly kind: "media"; readonly height: number; readonly what: "player" | "image" | "sound" }
  | { readonly kind: "fault"; readonly height: number };

export type Shape = {
  readonly width: number;
  readonly height: number;
  readonly rows: readonly Row[];
  /** Heights of the ports' centers below the node's top, by name. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
};

type Known = { readonly definition: NodeDefinition; readonly face: Face; readonly shape: Shape };
const known = new WeakMap<NodeInstance, Known>();

/** The shape of a node; kept until the node, its definition or its face changes. */
export function shapeOf(node: NodeInstance, definition: NodeDefinition, face: Face): Shape {
  const kept = known.get(node);
  if (kept && kept.definition === definition && kept.face.media === face.media && kept.face.fault === face.fault)
    return kept.shape;
  const shape = node.collapsed ? collapsedShape(node, definition) : fullShape(node, definition, face);
  known.set(node, { definition, face, shape });
  return shape;
}

export function widthOf(node: NodeInstance, definition: NodeDefinition): number {
  return Math.max(node.size?.[0] ?? (definition.sink ? SINK_WIDTH : DEFAULT_WIDTH), MIN_WIDTH);
}

function collapsedShape(node: NodeInstance, definition: NodeDefinition): Shape {
  const middle = HEADER / 2;
  return {
    width: widthOf(node, definition),
    height: HEADER,
    rows: [],
    inputs: new Map(definition.inputs.map((socket) => [socket.name, middle])),
    outputs: new Map(definition.outputs.map((socket) => [socket.name, middle])),
  };
}

function fullShape(node: NodeInstance, definition: NodeDefinition, face: Face): Shape {
  const own = [...portRows(definition), ...knobRows(node, definition)];
  if (face.fault) own.push({ kind: "fault", height: FAULT_ROW });
  if (face.media !== "none")
    own.push({ kind: "media", what: face.media, height: mediaHeight(face.media, widthOf(node, definition)) });
  const inputs = new Map<string, number>();
  const outputs = new Map<string, number>();
  let y = HEADER + PADDING / 2;
  const rows = stretched(own, (node.size?.[1] ?? 0) - HEADER - PADDING);
  for (const row of rows) {
    const { input, output } = socketsOf(row);
    const middle = y + (row.kind === "knob" ? KNOB_ROW : row.height) / 2;
    if (input) inputs.set(input.name, middle);
    if (output) outputs.set(output.name, middle);
    y += row.height;
  }
  return { width: widthOf(node, definition), height: y + PADDING / 2, rows, inputs, outputs };
}

/** The rows with what is wanted of height beyond their own given to texts and media, in equal parts. */
function stretched(rows: readonly Row[], wanted: number): readonly Row[] {
  const stretches = (row: Row) => row.kind === "media" || (row.kind === "knob" && row.area === true);
  const spare = wanted - rows.reduce((sum, row) => sum + row.height, 0);
  const count = rows.filter(stretches).length;
  if (spare <= 0 || count === 0) return rows;
  return rows.map((row) => (stretches(row) ? { ...row, height: row.height + Math.floor(spare / count) } : row));
}

/** A wide node shows its result larger. */
function mediaHeight(what: "player" | "image" | "sound", width: number): number {
  if (what === "sound") return SOUND_HEIGHT;
  const picture = Math.max(LEAST_PICTURE, Math.round(((width - 20) * 9) / 16));
  return picture + (what === "player" ? PLAYER_BARS : IMAGE_BARS);
}

/** The sockets whose ports a row holds. */
function socketsOf(row: Row): { readonly input?: InputSocket; readonly output?: OutputSocket } {
  if (row.kind === "knob") return { input: row.socket };
  return row.kind === "ports" ? row : {};
}

function portRows(definition: NodeDefinition): Row[] {
  const wires = definition.inputs.filter((socket) => socket.wire);
  const count = Math.max(wires.length, definition.outputs.length);
  return Array.from({ length: count }, (_, index) => {
    const input = wires[index];
    const output = definition.outputs[index];
    return { kind: "ports", height: PORT_ROW, ...(input ? { input } : {}), ...(output ? { output } : {}) };
  });
}

function knobRows(node: NodeInstance, definition: NodeDefinition): Row[] {
  const inputs = inputsOf(node);
  const width = widthOf(node, definition);
  const rows: Row[] = [];
  let folded = 0;
  for (const socket of definition.inputs) {
    const linked = isLink(inputs[socket.name]);
    if (socket.wire || (!linked && !isShown(socket, definition, inputs))) continue;
    if (socket.advanced) folded += 1;
    if (socket.advanced && !node.advanced && !linked) continue;
    const area = isArea(socket) && !linked;
    rows.push({ kind: "knob", height: knobHeight(node, socket, definition, linked, width), socket, area });
  }
  if (folded > 0) rows.push({ kind: "advanced", height: ADVANCED_ROW, count: folded, open: node.advanced === true });
  return rows;
}

/** The definition of a node; for an unknown type, one with the sockets that the document speaks of. */
export function definitionOf(scope: Scope, definitions: Definitions, id: string): NodeDefinition {
  const node = nodesOf(scope)[id];
  const found = node && definitions(node.type);
  return found ?? placeholder(scope, id, node);
}

const placeholders = new WeakMap<NodeInstance, { scope: Scope; definition: NodeDefinition }>();

function placeholder(scope: Scope, id: string, node: NodeInstance | undefined): NodeDefinition {
  const kept = node && placeholders.get(node);
  if (kept && kept.scope.nodes === scope.nodes) return kept.definition;
  const names = new Set([...linksOf(scope)].filter(({ link }) => link.link[0] === id).map(({ link }) => link.link[1]));
  const definition: NodeDefinition = {
    id: node?.type ?? id,
    version: node?.version ?? 1,
    title: node?.type ?? id,
    category: "",
    help: "",
    inputs: Object.entries(node ? inputsOf(node) : {}).map(([name, value]) => ({
      name,
      type: "any",
      wire: isLink(value),
      required: false,
      help: "",
    })),
    outputs: [...names].map((name) => ({ name, type: "any", help: "" })),
    sink: false,
    aliases: [],
  };
  if (node) placeholders.set(node, { scope, definition });
  return definition;
}

/** Where a node is drawn, a place in the making before the written one. */
export function placeOf(node: NodeInstance, id: string, drag: ReadonlyMap<string, Point> | null): Point {
  return drag?.get(id) ?? node.at ?? [0, 0];
}
