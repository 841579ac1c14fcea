/** Dragging links: from a port or a point of a link, over others, to where they are let go. The rules are graph/connect's. */
import type { Connecting, Editor } from "../editor/store";
import {
  bestInput,
  bestOutput,
  findInput,
  findOutput,
  fits,
  type InputEnd,
  type OutputEnd,
  type Refusal,
  refuseLink,
} from "../graph/connect";
import { inputsOf, isLink, type Link, linksOf, nodesOf, type Point } from "../graph/document";
import { connect, together } from "../graph/edits";
import { disconnect } from "../graph/removing";
import { type Reroute, viaOf } from "../graph/reroutes";
import { type Box, boxAt, inputPoint, outputPoint, type Scene } from "./scene";

export type PortEnd = Connecting["from"];

/** Pixels within which a link snaps to a port that it fits. */
const SNAP = 26;
const NEW = { moved: [], sources: false, via: [], target: null, refusal: null } as const;

/** A link that begins at a port; at a linked input it is the link that is there, taken off. */
export function beginAt(editor: Editor, port: PortEnd, at: Point): Connecting {
  const { scope, definitions } = editor;
  if (port.side === "output") {
    const type = findOutput(scope, definitions, port.end)?.type ?? "any";
    return { ...NEW, from: port, type, at };
  }
  const value = linkInto(editor, port.end);
  if (value) return { ...fromOutput(editor, value, at), moved: [port.end], via: viaOf(value) };
  const type = findInput(scope, definitions, port.end)?.type ?? "any";
  return { ...NEW, from: port, type, at };
}

/** All links of an output, taken off it to be led from another one; null when there are none. */
export function beginMovingAll(editor: Editor, from: OutputEnd, at: Point): Connecting | null {
  const { scope, definitions } = editor;
  const moved = linkedEnds(editor, { side: "output", end: from });
  const [first] = moved;
  if (!first) return null;
  const type = findOutput(scope, definitions, from)?.type ?? "any";
  return { ...NEW, from: { side: "input", end: first }, type, moved, sources: true, at };
}

/** A new link that runs along another one up to a point of it, and leaves it there. */
export function beginAtReroute(editor: Editor, reroute: Reroute, at: Point): Connecting | null {
  const value = linkInto(editor, reroute.end);
  return value && { ...fromOutput(editor, value, at), via: viaOf(value).slice(0, reroute.index + 1) };
}

function fromOutput({ scope, definitions }: Editor, value: Link, at: Point): Connecting {
  const end = { node: value.link[0], output: value.link[1] };
  return { ...NEW, from: { side: "output", end }, type: findOutput(scope, definitions, end)?.type ?? "any", at };
}

function linkInto({ scope }: Editor, end: InputEnd): Link | null {
  const value = inputsOf(nodesOf(scope)[end.node] ?? { type: "" })[end.input];
  return isLink(value) ? value : null;
}

/** The drag with the pointer at a place, maybe over a port. */
export function dragTo(
  editor: Editor,
  scene: Scene,
  drag: Connecting,
  at: Point,
  over: PortEnd | null,
  zoom: number,
): Connecting {
  const target = over
    ? opposite(drag, over)
    : (onNode(editor, scene, drag, at) ?? nearby(editor, scene, drag, at, SNAP / zoom));
  return { ...drag, at, target, refusal: target ? refusalOf(editor, drag, target) : null };
}

/** Why the drag cannot end at a target; ending where it came from is no mistake. */
function refusalOf(editor: Editor, drag: Connecting, target: InputEnd | OutputEnd): Refusal | null {
  const pairs = pairsOf(drag, target);
  const refusals = pairs.map((pair) =>
    isOld(editor, drag, pair) ? null : refuseLink(editor.scope, editor.definitions, pair.from, pair.to),
  );
  // Of many links, those that fit are moved.
  return refusals.every((refusal) => refusal !== null) ? (refusals[0] ?? null) : null;
}

function isOld(editor: Editor, drag: Connecting, pair: { from: OutputEnd; to: InputEnd }): boolean {
  if (!drag.moved.some((end) => end.node === pair.to.node && end.input === pair.to.input)) return false;
  const value = linkInto(editor, pair.to);
  return value?.link[0] === pair.from.node && value.link[1] === pair.from.output;
}

function opposite(drag: Connecting, over: PortEnd): InputEnd | OutputEnd | null {
  return over.side === drag.from.side ? null : over.end;
}

/** The socket that is meant when the pointer is on a node, but on none of its ports. */
function onNode(editor: Editor, scene: Scene, drag: Connecting, at: Point): InputEnd | OutputEnd | null {
  const box = boxAt(scene, at);
  if (!box || box.id === drag.from.end.node) return null;
  const { scope, definitions } = editor;
  if (drag.from.side === "output") {
    const input = bestInput(scope, definitions, drag.from.end, box.id);
    return input === undefined ? null : { node: box.id, input };
  }
  const output = bestOutput(scope, definitions, drag.from.end, box.id);
  return output === undefined ? null : { node: box.id, output };
}

function nearby(editor: Editor, scene: Scene, drag: Connecting, at: Point, reach: number): InputEnd | OutputEnd | null {
  let best: InputEnd | OutputEnd | null = null;
  let nearest = reach;
  for (const box of scene.boxes.values())
    for (const [target, point] of portsOf(box, drag.from.side)) {
      const distance = Math.hypot(point[0] - at[0], point[1] - at[1]);
      if (distance >= nearest || refusalOf(editor, drag, target)) continue;
      nearest = distance;
      best = target;
    }
  return best;
}

function portsOf(box: Box, side: "input" | "output"): [InputEnd | OutputEnd, Point][] {
  if (side === "output")
    return [...box.shape.inputs.keys()].map((input) => [{ node: box.id, input }, inputPoint(box, input)]);
  return [...box.shape.outputs.keys()].map((output) => [{ node: box.id, output }, outputPoint(box, output)]);
}

/** The links that letting go at a target would make. */
function pairsOf(drag: Connecting, target: InputEnd | OutputEnd): { from: OutputEnd; to: InputEnd }[] {
  if (drag.from.side === "output") return [{ from: drag.from.end, to: target as InputEnd }];
  const ends = drag.sources ? drag.moved : [drag.from.end];
  return ends.map((to) => ({ from: target as OutputEnd, to }));
}

/** Let the links go. Returns what is left to do: nothing, or to ask which new node one should lead to. */
export function dropLink(editor: Editor, drag: Connecting): "done" | "search" {
  if (drag.target) {
    if (drag.refusal === null) finish(editor, drag, drag.target);
    return "done";
  }
  if (drag.sources) return "done";
  if (drag.moved.length === 0) return "search";
  editor.edit((workflow, path) => disconnect(workflow, path, drag.moved));
  return "done";
}

function finish(editor: Editor, drag: Connecting, target: InputEnd | OutputEnd): void {
  const pairs = pairsOf(drag, target).filter((pair) => !isOld(editor, drag, pair));
  if (pairs.length === 0) return;
  editor.edit((workflow, path) => {
    const links = pairs.map(({ from, to }) => {
      const via = drag.sources ? viaOf(linkInto(editor, to) ?? undefined) : drag.via;
      return connect(workflow, path, editor.definitions, from, to, via);
    });
    const [only] = links;
    if (only && links.length === 1 && drag.moved.length === 0) return only;
    const cut = drag.sources ? [] : [disconnect(workflow, path, drag.moved)];
    return together("connect", [...cut, ...links], only?.label.name);
  });
}

/** Whether a port could take the links that are being dragged; ports of the side that they came from never do. */
export function couldTake(editor: Editor, drag: Connecting, port: PortEnd, type: string): boolean {
  if (port.side === drag.from.side) return port.end === drag.from.end;
  if (!(port.side === "input" ? fits(drag.type, type) : fits(type, drag.type))) return false;
  const refusal = refusalOf(editor, drag, port.end);
  return refusal === null || refusal.code === "already_linked";
}

/** The inputs in which the links of a port end. */
export function linkedEnds({ scope }: Editor, port: PortEnd): InputEnd[] {
  if (port.side === "input") return [port.end];
  const { node: source, output } = port.end;
  const own = [...linksOf(scope)].filter(({ link }) => link.link[0] === source && link.link[1] === output);
  return own.map(({ node, input }) => ({ node, input }));
}

/** The port under a point of the page, or null. */
export function portAt(clientX: number, clientY: number): PortEnd | null {
  const element = document.elementFromPoint(clientX, clientY)?.closest<HTMLElement>("[data-port]");
  const { port, node, name } = element?.dataset ?? {};
  if (node === undefined || name === undefined) return null;
  return port === "output"
    ? { side: "output", end: { node, output: name } }
    : { side: "input", end: { node, input: name } };
}
