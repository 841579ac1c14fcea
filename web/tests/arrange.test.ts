/** Aligning, spacing, guides and the layered layout: properties, and the real ELK. */
import ELK from "elkjs/lib/elk.bundled.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { align, distribute, inGrid, inLine, type Placed } from "../src/graph/arrange";
import type { Point } from "../src/graph/document";
import { snapTo } from "../src/graph/guides";
import { fromElk, type LayoutBox, toElk } from "../src/layout/elk";
import { apart, withGrid } from "../src/layout/loose";

const length = fc.integer({ min: 20, max: 400 });
const place = fc.integer({ min: -2000, max: 2000 });
const boxes = fc
  .array(fc.record({ x: place, y: place, width: length, height: length }), { minLength: 1, maxLength: 12 })
  .map((list) => list.map((box, index): Placed => ({ id: `b${index}`, ...box })));

const moved = (list: readonly Placed[], places: ReadonlyMap<string, Point>): Placed[] =>
  list.map((box) => {
    const [x, y] = places.get(box.id) ?? [box.x, box.y];
    return { ...box, x, y };
  });
const overlap = (one: Placed, two: Placed) =>
  one.x < two.x + two.width && two.x < one.x + one.width && one.y < two.y + two.height && two.y < one.y + one.height;

const SIZE = { width: 240, height: 160 };
const NO_PORTS = { ...SIZE, inputs: new Map<string, number>(), outputs: new Map<string, number>() };

describe("arranging", () => {
  it("puts one edge of all boxes on the outermost one's line, and leaves the other axis alone", () => {
    fc.assert(
      fc.property(boxes, (list) => {
        const left = moved(list, align(list, "left"));
        expect(new Set(left.map((box) => box.x)).size).toBe(1);
        expect(left.map((box) => box.y)).toEqual(list.map((box) => box.y));
        const bottom = moved(list, align(list, "bottom"));
        expect(new Set(bottom.map((box) => box.y + box.height)).size).toBe(1);
        expect(Math.max(...bottom.map((box) => box.y + box.height))).toBe(
          Math.max(...list.map((box) => box.y + box.height)),
        );
        const middles = moved(list, align(list, "center")).map((box) => box.x + box.width / 2);
        expect(Math.max(...middles) - Math.min(...middles)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("does nothing to boxes that are arranged already", () => {
    fc.assert(
      fc.property(boxes, (list) => {
        for (const arrange of [
          (all: readonly Placed[]) => align(all, "right"),
          (all: readonly Placed[]) => inLine(all, "x"),
        ]) {
          const once = moved(list, arrange(list));
          expect(arrange(once).size).toBe(0);
        }
      }),
    );
  });

  it("leaves equal gaps between the outermost boxes", () => {
    fc.assert(
      fc.property(boxes, (list) => {
        fc.pre(list.length >= 3);
        const spread = moved(list, distribute(list, "x")).sort((one, two) => one.x - two.x);
        const gaps = spread.slice(1).map((box, index) => box.x - (spread[index]?.x ?? 0) - (spread[index]?.width ?? 0));
        expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(2);
        expect(Math.min(...gaps)).toBeGreaterThanOrEqual(-1);
        expect(spread[0]?.x).toBe(Math.min(...list.map((box) => box.x)));
      }),
    );
  });

  it("makes rows, columns and grids in which nothing overlaps", () => {
    fc.assert(
      fc.property(boxes, (list) => {
        for (const places of [inLine(list, "x"), inLine(list, "y"), inGrid(list)]) {
          const all = moved(list, places);
          for (const [index, box] of all.entries())
            for (const other of all.slice(index + 1)) expect(overlap(box, other)).toBe(false);
        }
      }),
    );
  });
});

describe("guides", () => {
  const still = { x0: 0, y0: 0, x1: 100, y1: 50 };

  it("pulls an edge onto a near one, and draws a line through both boxes", () => {
    const snap = snapTo({ x0: 4, y0: 200, x1: 84, y1: 240 }, [still], 6);
    expect(snap.by).toEqual([-4, 0]);
    expect(snap.guides).toEqual([{ axis: "x", at: 0, from: 0, to: 240 }]);
  });

  it("prefers the nearest of several, on both axes", () => {
    const snap = snapTo({ x0: 203, y0: 27, x1: 303, y1: 77 }, [still, { x0: 205, y0: 400, x1: 305, y1: 450 }], 6);
    expect(snap.by).toEqual([2, -2]);
    expect(snap.guides.map((guide) => [guide.axis, guide.at])).toEqual([
      ["x", 205],
      ["y", 25],
    ]);
  });

  it("leaves alone what is far from everything", () => {
    expect(snapTo({ x0: 300, y0: 200, x1: 380, y1: 240 }, [still], 6)).toEqual({ by: [0, 0], guides: [] });
    expect(snapTo(still, [], 6)).toEqual({ by: [0, 0], guides: [] });
  });
});

describe("nodes that nothing links", () => {
  const linked = { boxes: [], links: [{ source: "b0", output: "a", node: "b1", input: "a" }], groups: [["b2"]] };

  it("are those without a link to another node of the layout, and in no group", () => {
    const list = ["b0", "b1", "b2", "b3"].map((id) => ({ id, ...NO_PORTS }));
    const away = [...linked.links, { source: "b3", output: "a", node: "gone", input: "a" }];
    const { rest, loose } = apart({ ...linked, links: away, boxes: list });
    expect([...loose]).toEqual(["b3"]);
    expect(rest.boxes.map(({ id }) => id)).toEqual(["b0", "b1", "b2"]);
  });

  it("stand in a grid below the rest, or at the corner where there is no rest", () => {
    const column = Array.from({ length: 9 }, (_, index) => ({ id: `b${index}`, x: 5, y: index * 300, ...SIZE }));
    const loose = new Set(column.slice(1).map(({ id }) => id));
    const beside = moved(column, withGrid(new Map([["b0", [40, 70]]]), column, loose, [40, 70]));
    expect(beside[0]).toMatchObject({ x: 40, y: 70 });
    expect(Math.min(...beside.slice(1).map(({ y }) => y))).toBe(70 + SIZE.height + 64);
    const alone = moved(column, withGrid(new Map(), column, new Set(column.map(({ id }) => id)), [40, 70]));
    expect([Math.min(...alone.map(({ x }) => x)), Math.min(...alone.map(({ y }) => y))]).toEqual([40, 70]);
    expect(new Set(alone.map(({ x }) => x)).size).toBe(3);
    for (const [index, one] of alone.entries())
      for (const other of alone.slice(index + 1)) expect(overlap(one, other)).toBe(false);
  });
});

describe("the layered layout", () => {
  const box = (id: string, inputs: string[], outputs: string[]): LayoutBox => ({
    id,
    width: 240,
    height: 160,
    inputs: new Map(inputs.map((name, index) => [name, 48 + 24 * index])),
    outputs: new Map(outputs.map((name, index) => [name, 48 + 24 * index])),
  });

  it("puts every node right of what feeds it, without overlaps, its corner where it is wanted", async () => {
    const list = [
      box("save", ["clip"], []),
      box("denoise", ["model", "positive", "latent"], ["latent"]),
      box("load", [], ["model", "encoder", "vae"]),
      box("text", ["encoder"], ["conditioning"]),
      box("decode", ["vae", "latent"], ["clip"]),
      box("alone", [], []),
    ];
    const links = [
      { source: "load", output: "model", node: "denoise", input: "model" },
      { source: "load", output: "encoder", node: "text", input: "encoder" },
      { source: "text", output: "conditioning", node: "denoise", input: "positive" },
      { source: "load", output: "vae", node: "decode", input: "vae" },
      { source: "denoise", output: "latent", node: "decode", input: "latent" },
      { source: "decode", output: "clip", node: "save", input: "clip" },
      { source: "gone", output: "clip", node: "save", input: "clip" },
    ];
    const graph = { boxes: list, links, groups: [["text", "alone"]] };
    const places = fromElk(graph, await new ELK().layout(toElk(graph)), [100, 50]);
    const placed = list.map(({ id, width, height }): Placed => {
      const [x, y] = places.get(id) ?? [Number.NaN, Number.NaN];
      return { id, x, y, width, height };
    });
    expect(Math.min(...placed.map(({ x }) => x))).toBe(100);
    expect(Math.min(...placed.map(({ y }) => y))).toBe(50);
    const at = new Map(placed.map((entry) => [entry.id, entry]));
    for (const { source, node } of links.slice(0, -1))
      expect((at.get(source)?.x ?? 0) + 240).toBeLessThan(at.get(node)?.x ?? 0);
    for (const [index, one] of placed.entries())
      for (const other of placed.slice(index + 1)) expect(overlap(one, other)).toBe(false);
    const [text, alone] = [at.get("text"), at.get("alone")] as [Placed, Placed];
    const left = Math.min(text.x, alone.x);
    const top = Math.min(text.y, alone.y);
    const width = Math.max(text.x, alone.x) + 240 - left;
    const height = Math.max(text.y, alone.y) + 160 - top;
    const frame = { id: "group", x: left - 24, y: top - 56, width: width + 48, height: height + 80 };
    for (const one of placed) expect(overlap(frame, one)).toBe(one === text || one === alone);
  });
});
