import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countLines, knobHeight } from "../src/canvas/knobHeight";
import { EMPTY_WORKFLOW, type NodeInstance, nodesOf, ROOT, type Workflow } from "../src/graph/document";
import { drawSeeds, seedMode, setHeight, setSeedMode, takeSeeds } from "../src/graph/edits";
import { applyPatches } from "../src/graph/patch";
import { evaluate } from "../src/widgets/expression";
import { settle } from "../src/widgets/number";
import { widgetIn } from "../src/widgets/pack";
import { sayValue } from "../src/widgets/sayValue";
import { newSeed, nextSeed } from "../src/widgets/seed";
import { knobsOf, moved, snapped, spanOf } from "../src/widgets/trim";
import { catalogue } from "./toys";

describe("number fields", () => {
  test("take arithmetic", () => {
    expect(evaluate("64*4")).toBe(256);
    expect(evaluate("(3+1)/2")).toBe(2);
    expect(evaluate("-2*-3")).toBe(6);
    expect(evaluate("1,5")).toBe(1.5);
    expect(evaluate("2e3")).toBe(2000);
  });

  test("take nothing else", () => {
    for (const text of ["", "abc", "1/0", "(1", "1+", "2 3", "alert(1)", "(".repeat(500)])
      expect(evaluate(text)).toBe(null);
  });

  test("settle on the grid of steps, within the limits", () => {
    const limits = { min: 0, max: 20, step: 0.1, whole: false, unit: "" };
    expect(settle(7.18, limits)).toBe(7.2);
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), (value) => {
        const settled = settle(value, limits);
        expect(settled).toBeGreaterThanOrEqual(0);
        expect(settled).toBeLessThanOrEqual(20);
        expect(Math.abs(settled * 10 - Math.round(settled * 10))).toBeLessThan(1e-9);
      }),
    );
  });

  test("seeds stay within their limits", () => {
    for (let count = 0; count < 200; count += 1) expect([5, 6, 7]).toContain(newSeed({ min: 5, max: 7 }));
  });
});

const FILM = { frames: 24000, seconds: 1001 };

describe("seeds with each run", () => {
  test("stay, go up or down, or are new", () => {
    expect(nextSeed("fixed", 7)).toBe(7);
    expect(nextSeed("increment", 7)).toBe(8);
    expect(nextSeed("decrement", 7)).toBe(6);
    expect(nextSeed("increment", undefined)).toBe(1);
    expect(nextSeed("increment", Number.MAX_SAFE_INTEGER)).toBe(0);
    expect(nextSeed("decrement", 0)).toBe(Number.MAX_SAFE_INTEGER);
    expect(new Set(Array.from({ length: 20 }, () => nextSeed("random", 7))).size).toBeGreaterThan(15);
  });

  test("change only where a mode says so, and only as numbers", () => {
    const workflow = {
      ...EMPTY_WORKFLOW,
      nodes: {
        up: { type: "denoise", inputs: { seed: 5 }, seeds: { seed: "increment" } },
        odd: { type: "denoise", inputs: { seed: 5 }, seeds: { seed: "whatever" } },
        linked: { type: "denoise", inputs: { seed: { link: ["a", "b"] } }, seeds: { seed: "random" } },
      },
    } satisfies Workflow;
    const { document } = applyPatches(workflow, drawSeeds(workflow, nextSeed).patches);
    expect(nodesOf(document)["up"]?.inputs?.["seed"]).toBe(6);
    expect(nodesOf(document)["odd"]).toBe(workflow.nodes.odd);
    expect(nodesOf(document)["linked"]).toBe(workflow.nodes.linked);
  });

  test("that a run was given come into the document as it is by then", () => {
    const node = (seed: number) => ({ type: "denoise", inputs: { seed }, seeds: { seed: "increment" } });
    const sent: Workflow = { ...EMPTY_WORKFLOW, nodes: { a: node(6), gone: node(8) } };
    const now: Workflow = { ...EMPTY_WORKFLOW, title: "Renamed", nodes: { a: node(5), fresh: node(1) } };
    const { document } = applyPatches(now, takeSeeds(now, sent).patches);
    expect(document).toEqual({ ...now, nodes: { a: node(6), fresh: node(1) } });
    expect(takeSeeds(document, sent).patches).toEqual([]);
  });

  test("a mode is written, and taken away with nothing left behind", () => {
    const workflow: Workflow = { ...EMPTY_WORKFLOW, nodes: { a: { type: "denoise", inputs: {} } } };
    const end = { node: "a", input: "seed" };
    const on = applyPatches(workflow, setSeedMode(workflow, ROOT, end, "decrement").patches).document;
    expect(seedMode(nodesOf(on)["a"] as NodeInstance, "seed")).toBe("decrement");
    const off = applyPatches(on, setSeedMode(on, ROOT, end, "fixed").patches).document;
    expect(off).toEqual(workflow);
  });
});

describe("text areas", () => {
  const definition = catalogue.nodes["encode_text"];
  const socket = definition?.inputs.find((entry) => entry.name === "text");
  const heightOf = (node: Partial<NodeInstance>) =>
    definition && socket ? knobHeight({ type: "encode_text", ...node }, socket, definition, false, 240) : 0;

  test("grow with their text, between two limits", () => {
    expect(countLines("", 10)).toBe(1);
    expect(countLines("0123456789a\n\nb", 10)).toBe(4);
    const short = heightOf({ inputs: { text: "a boat" } });
    const long = heightOf({ inputs: { text: "a boat ".repeat(40) } });
    expect(long).toBeGreaterThan(short);
    expect(heightOf({ inputs: { text: "a boat ".repeat(5000) } })).toBe(
      heightOf({ inputs: { text: "\n".repeat(900) } }),
    );
  });

  test("keep a height that was dragged until the text decides again", () => {
    const workflow: Workflow = { ...EMPTY_WORKFLOW, nodes: { a: { type: "encode_text", inputs: { text: "x" } } } };
    const end = { node: "a", input: "text" };
    const dragged = applyPatches(workflow, setHeight(workflow, ROOT, end, 300).patches).document;
    expect(heightOf(nodesOf(dragged)["a"] ?? {})).toBe(300);
    expect(applyPatches(dragged, setHeight(dragged, ROOT, end, undefined).patches).document).toEqual(workflow);
    expect(heightOf({ heights: { text: -5 } })).toBeGreaterThan(50);
    expect(heightOf({ heights: { text: "tall" } })).toBe(heightOf({}));
  });
});

describe("trimming", () => {
  test("a length of 0 is to the end, and the part stays within the file", () => {
    expect(spanOf(1, 0, 5)).toEqual({ start: 1, end: 5 });
    expect(spanOf(1, 2, 5)).toEqual({ start: 1, end: 3 });
    expect(spanOf(9, 2, 5)).toEqual({ start: 5, end: 5 });
    expect(knobsOf({ start: 1, end: 5 }, 5)).toEqual({ start: 1, length: 0 });
    expect(knobsOf({ start: 1, end: 3.5 }, 5)).toEqual({ start: 1, length: 2.5 });
  });

  test("handles keep to frames, and never meet", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -2, max: 12, noNaN: true }),
        fc.constantFrom("start" as const, "end" as const),
        (to, which) => {
          const next = moved({ start: 2, end: 6 }, which, to, 10, FILM);
          expect(next.end - next.start).toBeGreaterThan(0.02);
          expect(next.start).toBeGreaterThanOrEqual(0);
          expect(next.end).toBeLessThanOrEqual(10);
          const frame = (next[which] * FILM.frames) / FILM.seconds;
          expect(next.end === 10 || Math.abs(frame - Math.round(frame)) < 0.02).toBe(true);
        },
      ),
    );
    expect(snapped(1.2345, null)).toBe(1.23);
  });
});

describe("values that came through a link", () => {
  test("are said as knobs show them", () => {
    expect(sayValue(3)).toBe("3");
    expect(sayValue(0.1 + 0.2)).toBe("0.3");
    expect(sayValue("a\n red  boat")).toBe("a red boat");
    expect(sayValue(true)).toBe("✓");
    for (const other of [undefined, null, { type: "Clip" }, []]) expect(sayValue(other)).toBe(null);
  });
});

describe("a pack's module", () => {
  const mount = () => undefined;

  test("gives its widgets by name", () => {
    expect(widgetIn({ default: { pad: { mount } } }, "pad")).toEqual({ mount });
  });

  test("is told what it lacks", () => {
    expect(() => widgetIn({}, "pad")).toThrow("no default export");
    expect(() => widgetIn(null, "pad")).toThrow("no default export");
    expect(() => widgetIn({ default: { dial: { mount } } }, "pad")).toThrow("no widget “pad”");
    expect(() => widgetIn({ default: {} }, "toString")).toThrow("no widget");
    expect(() => widgetIn({ default: { pad: { mount: 3 } } }, "pad")).toThrow("no function mount");
  });
});
