/** Walking a graph by the keyboard, and the links that a node has or could have. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { definitionsOf } from "../src/graph/catalogue";
import { isUpstream, refuseLink } from "../src/graph/connect";
import { linksOf, nodesOf, type Point, type Scope, type Workflow } from "../src/graph/document";
import { connect } from "../src/graph/edits";
import { beginHistory, perform } from "../src/graph/history";
import { linkOffers, linksAt } from "../src/graph/offers";
import { graphOrder, nearestLeft, neighborsOf, stepFrom } from "../src/graph/order";
import { anAct, catalogue, play } from "./toys";

const acts = fc.array(anAct, { maxLength: 60 });
const EMPTY: Workflow = { kinegraph: 1, nodes: {} };

/** A scope of nodes at places, each fed by the named ones. */
function scope(nodes: { [id: string]: { at: Point; from?: readonly string[] } }): Scope {
  const instance = ({ at, from = [] }: { at: Point; from?: readonly string[] }) => ({
    type: "toy",
    at,
    inputs: Object.fromEntries(from.map((source, index) => [`in${index}`, { link: [source, "out"] }])),
  });
  return { nodes: Object.fromEntries(Object.entries(nodes).map(([id, node]) => [id, instance(node)])) };
}

describe("the order of the graph", () => {
  it("has every node once, and each after what feeds it", () => {
    fc.assert(
      fc.property(acts, (list) => {
        const { document } = play(EMPTY, list);
        const order = graphOrder(document);
        expect([...order].sort()).toEqual(Object.keys(nodesOf(document)).sort());
        const place = new Map(order.map((id, index) => [id, index]));
        for (const { node, link } of linksOf(document))
          if (place.has(link.link[0])) expect(place.get(link.link[0])).toBeLessThan(place.get(node) as number);
      }),
    );
  });

  it("goes from left to right and from the top down where the links leave it open", () => {
    const toys = scope({ c: { at: [300, 0] }, b: { at: [0, 200] }, a: { at: [0, 0] } });
    expect(graphOrder(toys)).toEqual(["a", "b", "c"]);
    const fed = scope({ late: { at: [0, 0], from: ["early"] }, early: { at: [500, 0] }, free: { at: [600, 0] } });
    expect(graphOrder(fed)).toEqual(["early", "late", "free"]);
  });

  it("ends with what a circle holds back, and never hangs", () => {
    const toys = scope({
      a: { at: [0, 0], from: ["b"] },
      b: { at: [10, 0], from: ["a"] },
      c: { at: [90, 0], from: ["a"] },
      d: { at: [95, 0] },
    });
    expect(graphOrder(toys)).toEqual(["d", "a", "b", "c"]);
  });

  it("knows a chain of ten thousand nodes in no more than a walk along it", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `n${index}`);
    const chain = scope(
      Object.fromEntries(
        names.map((id, index) => [id, { at: [-index, 0] as const, from: index > 0 ? [`n${index - 1}`] : [] }]),
      ),
    );
    expect(graphOrder(chain)).toEqual(names);
  });
});

describe("a step", () => {
  const toys = scope({
    a: { at: [0, 0] },
    b: { at: [0, 100] },
    mix: { at: [200, 0], from: ["a", "b", "a"] },
    save: { at: [400, 0], from: ["mix"] },
  });
  const order = graphOrder(toys);
  const step = (id: string | null, way: Parameters<typeof stepFrom>[3], came: string | null = null) =>
    stepFrom(toys, order, id, way, came);

  it("leads through all and stops at the ends", () => {
    expect(step("a", "next")).toBe("b");
    expect(step("save", "next")).toBeNull();
    expect(step("a", "previous")).toBeNull();
    expect([step("mix", "first"), step("mix", "last")]).toEqual(["a", "save"]);
    expect([step(null, "next"), step("gone", "previous"), step(null, "last")]).toEqual(["a", "a", "save"]);
  });

  it("follows the links, and of several the one that it came along", () => {
    expect(neighborsOf(toys).get("mix")).toEqual({ from: ["a", "b"], to: ["save"] });
    expect(step("mix", "upstream")).toBe("a");
    expect(step("mix", "upstream", "b")).toBe("b");
    expect(step("mix", "upstream", "save")).toBe("a");
    expect(step("save", "downstream")).toBeNull();
  });

  it("from what is gone leads to what came after it, else to what came before", () => {
    expect(nearestLeft(order, "b", ["a", "save"])).toBe("save");
    expect(nearestLeft(order, "save", ["a", "b"])).toBe("b");
    expect(nearestLeft(order, "save", [])).toBeNull();
  });
});

describe("links to choose from", () => {
  it("are offered exactly when they are allowed, and each offer can be taken", () => {
    fc.assert(
      fc.property(acts, fc.nat(), (list, choice) => {
        const { document } = play(EMPTY, list);
        const definitions = definitionsOf(document, catalogue);
        const ids = Object.keys(nodesOf(document));
        const id = ids[choice % Math.max(ids.length, 1)];
        if (id === undefined) return;
        const name = (from: { node: string; output: string }, to: { node: string; input: string }) =>
          `${from.node}.${from.output} > ${to.node}.${to.input}`;
        const allowed = ids.flatMap((source) =>
          (definitions(nodesOf(document)[source]?.type ?? "")?.outputs ?? []).flatMap((output) =>
            ids.flatMap((node) =>
              (definitions(nodesOf(document)[node]?.type ?? "")?.inputs ?? [])
                .map((input) => ({
                  from: { node: source, output: output.name },
                  to: { node, input: input.name },
                }))
                .filter(
                  ({ from, to }) => (source === id || node === id) && !refuseLink(document, definitions, from, to),
                )
                .map(({ from, to }) => name(from, to)),
            ),
          ),
        );
        const offers = linkOffers(document, definitions, id);
        expect(offers.map(({ from, to }) => name(from, to)).sort()).toEqual(allowed.sort());
        const [best] = offers;
        if (!best) return;
        const edit = connect(document, [], definitions, best.from, best.to);
        const after = perform(beginHistory(document), edit, 0).document;
        expect(linksAt(after, id)).toContainEqual({ from: best.from, to: best.to });
        expect(isUpstream(after, best.to.node, best.from.node)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it("begin with free wires of just that type, and end with what has a link already", () => {
    const node = (type: string, inputs = {}) => ({ type, at: [0, 0] as const, inputs });
    const document: Workflow = {
      kinegraph: 1,
      nodes: {
        source: node("test_pattern"),
        other: node("test_pattern"),
        free: node("trim_clip"),
        taken: node("trim_clip", { clip: { link: ["other", "clip"] } }),
      },
    };
    const offers = linkOffers(document, definitionsOf(document, catalogue), "source");
    const outward = offers.filter(({ from }) => from.output === "clip").map(({ to }) => `${to.node}.${to.input}`);
    expect(outward[0]).toBe("free.clip");
    expect(offers.find(({ to }) => to.node === "taken" && to.input === "clip")?.replaces).toEqual({
      node: "other",
      output: "clip",
    });
    expect(outward.indexOf("taken.clip")).toBeGreaterThan(outward.indexOf("free.clip"));
  });

  it("are listed from both sides", () => {
    const toys = scope({ a: { at: [0, 0] }, b: { at: [1, 0], from: ["a"] }, c: { at: [2, 0], from: ["b", "a"] } });
    expect(linksAt(toys, "b")).toEqual([
      { from: { node: "a", output: "out" }, to: { node: "b", input: "in0" } },
      { from: { node: "b", output: "out" }, to: { node: "c", input: "in0" } },
    ]);
  });
});
