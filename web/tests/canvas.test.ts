import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contains, isCut, type Line, lineDistance, linePath, lineRect, segmentsOf } from "../src/canvas/curves";
import { boxAt, boxesIn, curveAt, hitCurve, inputPoint, outputPoint, rerouteAt, sceneOf } from "../src/canvas/scene";
import type { Segment } from "../src/canvas/segment";
import { DEFAULT_WIDTH, HEADER, PLAIN_FACE } from "../src/canvas/shape";
import { cutFor, fitting, MOST_MOUNTED, mountedBoxes, toGraph, viewRect } from "../src/canvas/window";
import { definitionsOf } from "../src/graph/catalogue";
import { type Json, linksOf, ROOT, type Workflow } from "../src/graph/document";
import { moveNodes } from "../src/graph/edits";
import { layOut } from "../src/graph/layout";
import { applyPatches } from "../src/graph/patch";
import { asWorkflow, readWorkflow } from "../src/graph/read";
import { moveReroutes, viaOf } from "../src/graph/reroutes";
import { catalogue, everyPart } from "./toys";

const plain = () => PLAIN_FACE;
const sceneFor = (workflow: Workflow) => sceneOf(workflow, definitionsOf(workflow, catalogue), plain, null);

function grid(count: number): Workflow {
  const node = (index: number): Json => ({
    type: "trim_clip",
    at: [(index % 50) * 300, Math.floor(index / 50) * 200],
    inputs: index ? { clip: { link: [`n${index - 1}`, "clip"] } } : {},
  });
  return asWorkflow({
    kinegraph: 1,
    nodes: Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, node(index)])),
  });
}

describe("the scene", () => {
  const workflow = readWorkflow(everyPart);
  const scene = sceneFor(workflow);

  test("every link ends at the ports that it names, of unknown nodes too", () => {
    expect(scene.curves.length).toBe(10);
    for (const { end, from, to, source } of scene.curves) {
      const box = scene.boxes.get(end.node);
      const sourceBox = scene.boxes.get(source);
      expect(box && inputPoint(box, end.input)).toEqual(to);
      expect(sourceBox && from[0]).toBe((sourceBox?.x ?? 0) + (sourceBox?.shape.width ?? 0));
    }
    expect(scene.boxes.get("sharpen")?.shape.inputs.has("kernel")).toBe(true);
  });

  test("a collapsed node is its header, and its ports are in its middle", () => {
    const box = scene.boxes.get("frames");
    expect(box?.shape.height).toBe(HEADER);
    expect(box && outputPoint(box, "clip")).toEqual([840 + (box?.shape.width ?? 0), HEADER / 2]);
  });

  test("a link is hit on its line and not beside it", () => {
    const simple = sceneFor(grid(2));
    const [curve] = simple.curves;
    if (!curve) throw new Error("there is no link");
    const middle = [(curve.from[0] + curve.to[0]) / 2, (curve.from[1] + curve.to[1]) / 2] as const;
    expect(curveAt(simple, middle, 6)).toBe(curve);
    expect(curveAt(simple, [middle[0], middle[1] + 30], 6)).toBe(undefined);
  });

  test("a link passes its points, is hit between them, and is cut where a stroke crosses it", () => {
    const workflow = asWorkflow({
      kinegraph: 1,
      nodes: {
        a: { type: "trim_clip", at: [0, 0] },
        b: {
          type: "trim_clip",
          at: [900, 0],
          inputs: {
            clip: {
              link: ["a", "clip"],
              via: [
                [400, 300],
                [700, 300],
              ],
            },
          },
        },
      },
    });
    const bent = sceneFor(workflow);
    const [curve] = bent.curves;
    if (!curve) throw new Error("there is no link");
    expect(rerouteAt(bent, [403, 298], 10)).toEqual({ end: { node: "b", input: "clip" }, index: 0 });
    expect(hitCurve(bent.curves, [550, 300], 40)?.segment).toBe(1);
    expect(hitCurve(bent.curves, [550, 60], 40)).toBe(undefined);
    expect(
      isCut(curve, [
        [550, 200],
        [550, 400],
      ]),
    ).toBe(true);
    expect(
      isCut(curve, [
        [550, 0],
        [550, 150],
      ]),
    ).toBe(false);
    const rect = lineRect(curve);
    for (const [x, y] of curve.via) expect(contains(rect, [x, y])).toBe(true);
  });

  test("angled links run level and upright, leave and enter from the right side, and stay in their rectangle", () => {
    const lines: Line[] = [
      { from: [0, 0], to: [300, 120], via: [], shape: "angled" },
      { from: [0, 0], to: [10, 4], via: [], shape: "angled" },
      { from: [300, 0], to: [0, 200], via: [], shape: "angled" },
      { from: [0, 0], to: [0, 0], via: [], shape: "angled" },
      {
        from: [300, 0],
        to: [0, 200],
        via: [
          [150, -90],
          [150, 300],
        ],
        shape: "angled",
      },
    ];
    const level = ([start, , , end]: Segment) => start[1] === end[1];
    const upright = ([start, , , end]: Segment) => start[0] === end[0];
    for (const line of lines) {
      const segments = segmentsOf(line);
      const rect = lineRect(line);
      expect([segments[0]?.[0], segments.at(-1)?.[3]]).toEqual([line.from, line.to]);
      for (const [start, , , end] of segments)
        expect([contains(rect, start), contains(rect, end)]).toEqual([true, true]);
      for (const [index, segment] of segments.entries())
        expect(segment[0]).toEqual(segments[index - 1]?.[3] ?? line.from);
      // Every second one is a stretch between two corners.
      const stretches = segments.filter((_, index) => index % 2 === 0);
      expect(stretches.every((segment) => level(segment) || upright(segment))).toBe(true);
      const long = segments.filter((segment) => !level(segment) || !upright(segment));
      expect(
        [long[0], long.at(-1)].every((segment) => !segment || (level(segment) && segment[3][0] > segment[0][0])),
      ).toBe(true);
      expect(linePath(line)).not.toContain("NaN");
    }
    // A press tells which piece it is on, and so where a new point goes.
    const [, , , , passing] = lines;
    expect(passing && lineDistance(passing, [150, 100])).toEqual({ distance: 0, segment: 1 });
    expect(passing && lineDistance(passing, [310, -90]).segment).toBe(0);
  });

  test("points move along when both ends of their link do, and share their place with others of the output", () => {
    const link = { link: ["a", "clip"], via: [[400, 300]] };
    const workflow = asWorkflow({
      kinegraph: 1,
      nodes: {
        a: { type: "trim_clip", at: [0, 0] },
        b: { type: "trim_clip", at: [900, 0], inputs: { clip: link } },
        c: { type: "trim_clip", at: [900, 400], inputs: { clip: link } },
      },
    });
    const drag = new Map<string, readonly [number, number]>([
      ["a", [10, 10]],
      ["b", [910, 10]],
    ]);
    const scene = sceneOf(workflow, definitionsOf(workflow, catalogue), plain, drag);
    expect(scene.curves.map((curve) => curve.via[0])).toEqual([
      [410, 310],
      [400, 300],
    ]);
    const written = applyPatches(workflow, moveNodes(workflow, ROOT, drag).patches).document;
    expect(linksOf(written).next().value?.link).toEqual({ ...link, via: [[410, 310]] });
    const reroute = { end: { node: "b", input: "clip" }, index: 0 };
    const moved = applyPatches(workflow, moveReroutes(workflow, ROOT, [{ reroute, at: [500, 500] }]).patches).document;
    expect([...linksOf(moved)].map((entry) => viaOf(entry.link))).toEqual([[[500, 500]], [[500, 500]]]);
  });

  test("a node that is made higher gives the room to its text", () => {
    const node: Json = { type: "encode_text", size: [300, 400] };
    const shape = sceneFor(asWorkflow({ kinegraph: 1, nodes: { a: node } })).boxes.get("a")?.shape;
    expect([shape?.width, shape?.height]).toEqual([300, 400]);
    const low = sceneFor(asWorkflow({ kinegraph: 1, nodes: { a: { type: "encode_text", size: [300, 10] } } }));
    expect(low.boxes.get("a")?.shape.height).toBeGreaterThan(100);
  });

  test("the node drawn last is hit first", () => {
    const two = sceneFor(
      asWorkflow({ kinegraph: 1, nodes: { a: { type: "text", at: [0, 0] }, b: { type: "text", at: [20, 10] } } }),
    );
    expect(boxAt(two, [40, 20])?.id).toBe("b");
    expect(boxAt(two, [DEFAULT_WIDTH * 2, 0])).toBe(undefined);
    expect(boxesIn(two, { x0: 0, y0: 0, x1: 5, y1: 5 })).toEqual(["a"]);
  });
});

describe("the view", () => {
  const scene = sceneFor(grid(3000));

  test("few nodes are mounted wherever one looks", () => {
    const view = fc.record({
      x: fc.integer({ min: -15_000, max: 500 }),
      y: fc.integer({ min: -12_000, max: 500 }),
      zoom: fc.double({ min: 0.05, max: 3, noNaN: true }),
    });
    fc.assert(
      fc.property(view, (viewport) => {
        const cut = cutFor(viewport, [1600, 900], null);
        expect(mountedBoxes(scene, cut, new Set())?.length ?? 0).toBeLessThanOrEqual(MOST_MOUNTED);
      }),
    );
  });

  test("small moves leave what is mounted, large ones cut it anew", () => {
    const first = cutFor({ x: 0, y: 0, zoom: 1 }, [1000, 800], null);
    expect(cutFor({ x: -100, y: 40, zoom: 1 }, [1000, 800], first)).toBe(first);
    expect(cutFor({ x: -400, y: 0, zoom: 1 }, [1000, 800], first)).not.toBe(first);
  });

  test("what was just cut is kept, however narrow the view", () => {
    for (const width of [0, 1, 40, 180, 330, 800, 4000])
      for (const zoom of [0.4, 0.7, 1, 3]) {
        const cut = cutFor({ x: 80, y: 80, zoom }, [width, 600], null);
        expect(cutFor({ x: 80, y: 80, zoom }, [width, 600], cut)).toBe(cut);
      }
  });

  test("what is fitted lies in the view", () => {
    const rect = { x0: -300, y0: 40, x1: 5000, y1: 900 };
    const viewport = fitting(rect, [1200, 700]);
    const seen = viewRect(viewport, [1200, 700]);
    expect(seen.x0).toBeLessThan(rect.x0);
    expect(seen.x1).toBeGreaterThan(rect.x1);
    expect(toGraph(viewport, [600, 350])[0]).toBeCloseTo(2350);
  });
});

describe("the tidy layout", () => {
  test("puts every node right of what feeds it, and none upon another", () => {
    const workflow = readWorkflow(everyPart);
    const ids = Object.keys(workflow.nodes ?? {});
    const places = layOut(workflow, ids, () => [200, 100], [0, 0]);
    for (const { end, source } of sceneFor(workflow).curves)
      expect(places.get(end.node)?.[0]).toBeGreaterThanOrEqual((places.get(source)?.[0] ?? 0) + 200);
    const all = [...places.values()];
    for (const [index, [x, y]] of all.entries())
      for (const [x2, y2] of all.slice(index + 1))
        expect(Math.abs(x - x2) >= 200 || Math.abs(y - y2) >= 100).toBe(true);
  });

  test("is not stopped by a circle", () => {
    const workflow = asWorkflow({
      kinegraph: 1,
      nodes: {
        a: { type: "trim_clip", inputs: { clip: { link: ["b", "clip"] } } },
        b: { type: "trim_clip", inputs: { clip: { link: ["a", "clip"] } } },
      },
    });
    expect(layOut(workflow, ["a", "b"], () => [200, 100], [0, 0]).size).toBe(2);
  });
});
