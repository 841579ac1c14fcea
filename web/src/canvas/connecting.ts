/** Dragging a link: from a port, over others, to where it is let go. The rules are graph/connect's. */
import type { Connecting, Editor } from "../editor/store";
import {
  bestInput,
  bestOutput,
  findInput,
  findOutput,
  fits,
  type InputEnd,
  type OutputEnd,
  refuseLink,
} from "../graph/connect";
import { inputsOf, isLink, nodesOf, type Point } from "../graph/document";
import { connect, disconnect, together } from "../graph/edits";
import { type Box, boxAt, inputPoint, outputPoint, type Scene } from "./scene";

export type PortEnd = Connecting["from"];

/** Pixels within which a link snaps to a port that it fits. */
const SNAP = 26;

/** A link that begins at a port; at a linked input it is the link that is there, taken off. */
export function beginAt(editor: Editor, port: PortEnd, at: Point): Connecting {
  const { scope, definitions } = editor;
  if (port.side === "output") {
    const type = findOutput(scope, definitions, port.end)?.type ?? "any";
    return { from: port, type, moved: null, at, target: null, refusal: null };
  }
  const value = inputsOf(nodesOf(scope)[port.end.node] ?? { type: "" })[port.end.input];
  if (isLink(value)) {
    const end = { node: value.link[0], output: value.link[1] };
    return {
      from: { side: "output", end },
      type: findOutput(scope, definitions, end)?.type ?? "any",
      moved: port.end,
      at,
      target: null,
      refusal: null,
    };
  }
  return {
    from: port,
    type: findInput(scope, definitions, port.end)?.type ?? "any",
    moved: null,
    at,
    target: null,
    refusal: null,
  };
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
  if (!target) return { ...drag, at, target: null, refusal: null };
  const pair = pairOf(drag, target);
  const isOld = drag.moved && pair.to.node === drag.moved.node && pair.to.input === drag.moved.input;
  return {
    ...drag,
    at,
    target,
    refusal: isOld ? null : refuseLink(editor.scope, editor.definitions, pair.from, pair.to),
  };
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
      if (distance >= nearest) continue;
      const pair = pairOf(drag, target);
      if (refuseLink(editor.scope, editor.definitions, pair.from, pair.to)) continue;
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

function pairOf(drag: Connecting, target: InputEnd | OutputEnd): { from: OutputEnd; to: InputEnd } {
  return drag.from.side === "output"
    ? { from: drag.from.end, to: target as InputEnd }
    : { from: target as OutputEnd, to: drag.from.end };
}

/** Let the link go. Returns what is left to do: nothing, or to ask which new node it should lead to. */
export function dropLink(editor: Editor, drag: Connecting): "done" | "search" {
  if (drag.target && drag.refusal === null) {
    const { from, to } = pairOf(drag, drag.target);
    const { moved } = drag;
    if (moved && moved.node === to.node && moved.input === to.input) return "done";
    editor.edit((workflow, path) => {
      const link = connect(workflow, path, editor.definitions, from, to);
      return moved ? together("connect", [disconnect(workflow, path, [moved]), link], to.input) : link;
    });
    return "done";
  }
  if (drag.target) return "done";
  const { moved } = drag;
  if (!moved) return "search";
  editor.edit((workflow, path) => disconnect(workflow, path, [moved]));
  return "done";
}

/** Whether a port could take the link that is being dragged; ports of the side that it came from never do. */
export function couldTake(
  editor: Editor,
  drag: Pick<Connecting, "from" | "type">,
  port: PortEnd,
  type: string,
): boolean {
  if (port.side === drag.from.side) return port.end === drag.from.end;
  if (!(port.side === "input" ? fits(drag.type, type) : fits(type, drag.type))) return false;
  const [from, to] = port.side === "input" ? [drag.from.end, port.end] : [port.end, drag.from.end];
  const refusal = refuseLink(editor.scope, editor.definitions, from as OutputEnd, to as InputEnd);
  return refusal === null || refusal.code === "already_linked";
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
