/** Finding in a workflow, groups and notes in subgraphs, and points on links that are laid out anew. */
import { describe, expect, it } from "vitest";
import type { Workflow } from "../src/graph/document";
import { findIn, MOST_HITS } from "../src/graph/find";
import { applyPatches } from "../src/graph/patch";
import { readWorkflow, UnreadableError, writeWorkflow } from "../src/graph/read";
import { straighten } from "../src/graph/reroutes";
import { unpackSubgraph } from "../src/graph/subgraphs";

const NESTED: Workflow = {
  kinegraph: 1,
  nodes: { use: { type: "subgraph/part", at: [100, 50] }, text: { type: "text", inputs: { value: "a red boat" } } },
  groups: [{ title: "Harbor" }],
  subgraphs: {
    part: {
      nodes: { one: { type: "number", title: "Lighthouse", at: [10, 20] } },
      groups: [{ title: "Inner", at: [0, 0], size: [200, 200] }],
      notes: [{ text: "first line\nkeep the boat" }],
    },
    unused: { nodes: { lost: { type: "number", title: "boat" } } },
  },
};
const NO_DEFINITIONS = () => undefined;
const idsOf = (query: string) => findIn(NESTED, NO_DEFINITIONS, query).map(({ trail, id }) => [...trail, id].join("/"));

describe("find", () => {
  it("finds titles, values, groups and notes, and the way into subgraphs that are used", () => {
    expect(idsOf("BOAT")).toEqual(["text", "use/note:0"]);
    expect(idsOf("boat red")).toEqual(["text"]);
    expect(idsOf("lighthouse")).toEqual(["use/one"]);
    expect(idsOf("harbor")).toEqual(["group:0"]);
    expect(idsOf("inner")).toEqual(["use/group:0"]);
    expect(idsOf("  ")).toEqual([]);
  });

  it("finds one more than are shown, which tells that there are more", () => {
    const nodes = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`n${index}`, { type: "text" }]));
    expect(findIn({ kinegraph: 1, nodes }, NO_DEFINITIONS, "text")).toHaveLength(MOST_HITS + 1);
  });

  it("says where in a value the words are", () => {
    const long = `${"x".repeat(100)} needle ${"y".repeat(100)}`;
    const [hit] = findIn(
      { kinegraph: 1, nodes: { a: { type: "text", inputs: { value: long } } } },
      NO_DEFINITIONS,
      "needle",
    );
    expect(hit?.detail).toMatch(/^…x+ needle y+…$/);
  });
});

describe("groups and notes of a subgraph", () => {
  it("come out with its nodes when it is taken apart, moved as they are", () => {
    const unpacked = unpackSubgraph(NESTED, [], "use");
    const { document } = applyPatches(NESTED, unpacked?.edit.patches ?? []);
    expect(document.groups).toEqual([{ title: "Harbor" }, { title: "Inner", at: [90, 30], size: [200, 200] }]);
    expect(document.notes?.map((note) => note.at)).toEqual([[90, 30]]);
    expect(document.nodes?.["one"]?.at).toEqual([100, 50]);
  });

  it("are read and written, and refused where they are none", () => {
    expect(readWorkflow(writeWorkflow(NESTED))).toEqual(NESTED);
    const broken = { kinegraph: 1, subgraphs: { part: { groups: [{ at: [1] }] } } };
    expect(() => readWorkflow(JSON.stringify(broken))).toThrow(UnreadableError);
    const text = { kinegraph: 1, notes: [{ text: { toString: 1 } }] };
    expect(() => readWorkflow(JSON.stringify(text))).toThrow(UnreadableError);
  });
});

describe("points on links", () => {
  it("go where both ends of the link are laid out, and stay elsewhere", () => {
    const via = [[5, 5]] as const;
    const linked: Workflow = {
      kinegraph: 1,
      nodes: {
        a: { type: "number" },
        b: { type: "number", inputs: { value: { link: ["a", "value"], via } } },
        c: { type: "number", inputs: { value: { link: ["a", "value"], via } } },
      },
    };
    const { document } = applyPatches(
      linked,
      straighten(
        linked,
        [],
        new Map([
          ["a", 0],
          ["b", 0],
        ]),
      ).patches,
    );
    expect(document.nodes?.["b"]?.inputs?.["value"]).toEqual({ link: ["a", "value"] });
    expect(document.nodes?.["c"]?.inputs?.["value"]).toEqual({ link: ["a", "value"], via });
  });
});
