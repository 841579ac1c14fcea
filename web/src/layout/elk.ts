/** A graph as ELK's layered layout takes it, and its answer as places. Pure; `worker.ts` runs it. */
import type { ElkNode, ElkPort } from "elkjs/lib/elk-api";
import type { Point } from "../graph/document";

/** A node with the heights of its ports below its top, by name. */
export type LayoutBox = {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
};

export type LayoutLink = {
  readonly source: string;
  readonly output: string;
  readonly node: string;
  readonly input: string;
};

export type LayoutGraph = {
  readonly boxes: readonly LayoutBox[];
  readonly links: readonly LayoutLink[];
  /** Ids of nodes that are kept together; none is in two of them. */
  readonly groups: readonly (readonly string[])[];
};

const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.layered.spacing.nodeNodeBetweenLayers": "84",
  "elk.spacing.nodeNode": "32",
  "elk.spacing.componentComponent": "64",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
};
/** Room for a group's frame and its title. */
const GROUP_OPTIONS = { "elk.padding": "[top=56,left=24,bottom=24,right=24]" };

/** Ports keep their places on the nodes' sides, so that links run as they are drawn. */
export function toElk({ boxes, links, groups }: LayoutGraph): ElkNode {
  const number = new Map(boxes.map((box, index) => [box.id, index]));
  const nodes = boxes.map(
    (box, index): ElkNode => ({
      id: `n${index}`,
      width: box.width,
      height: box.height,
      layoutOptions: { "elk.portConstraints": "FIXED_POS" },
      ports: [...portsOf(index, "in", box.inputs, 0, "WEST"), ...portsOf(index, "out", box.outputs, box.width, "EAST")],
    }),
  );
  const grouped = new Set(groups.flat());
  const frames = groups.map((ids, index): ElkNode => {
    const children = ids.flatMap((id) => nodes[number.get(id) ?? -1] ?? []);
    return { id: `g${index}`, layoutOptions: GROUP_OPTIONS, children };
  });
  const edges = links.flatMap(({ source, output, node, input }, index) => {
    const [from, to] = [number.get(source), number.get(node)];
    if (from === undefined || to === undefined) return [];
    if (!boxes[from]?.outputs.has(output) || !boxes[to]?.inputs.has(input)) return [];
    return [{ id: `e${index}`, sources: [portId(from, "out", output)], targets: [portId(to, "in", input)] }];
  });
  const free = nodes.filter((_, index) => !grouped.has(boxes[index]?.id ?? ""));
  return { id: "graph", layoutOptions: OPTIONS, children: [...frames, ...free], edges };
}

/** Where ELK put the boxes, moved so that the leftmost and the topmost of them touch `origin`. */
export function fromElk({ boxes }: LayoutGraph, placed: ElkNode, origin: Point): Map<string, Point> {
  const found = new Map<string, Point>();
  for (const [id, x, y] of walk(placed, 0, 0)) {
    const box = id.startsWith("n") ? boxes[Number(id.slice(1))] : undefined;
    if (box) found.set(box.id, [x, y]);
  }
  const left = Math.min(...[...found.values()].map(([x]) => x));
  const top = Math.min(...[...found.values()].map(([, y]) => y));
  return new Map(
    [...found].map(([id, [x, y]]) => [id, [Math.round(x - left + origin[0]), Math.round(y - top + origin[1])]]),
  );
}

/** Every node below one, with its place in the whole: ELK's are relative to the group. */
function* walk(node: ElkNode, dx: number, dy: number): Generator<[id: string, x: number, y: number]> {
  for (const child of node.children ?? []) {
    const [x, y] = [(child.x ?? 0) + dx, (child.y ?? 0) + dy];
    yield [child.id, x, y];
    yield* walk(child, x, y);
  }
}

function portsOf(
  node: number,
  side: "in" | "out",
  ports: ReadonlyMap<string, number>,
  x: number,
  face: "WEST" | "EAST",
): ElkPort[] {
  return [...ports].map(([name, y]) => ({
    id: portId(node, side, name),
    x,
    y,
    width: 0,
    height: 0,
    layoutOptions: { "elk.port.side": face },
  }));
}

function portId(node: number, side: "in" | "out", name: string): string {
  return `n${node}.${side}.${name}`;
}
