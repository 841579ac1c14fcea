/** Places that no canvas can show. */
import { expect, test } from "vitest";
import type { Json } from "../src/graph/document";
import { REACH } from "../src/graph/reach";
import { asWorkflow } from "../src/graph/read";

test("places without measure come back into reach, and all else stays the same object", () => {
  const far = { type: "x", at: [1e308, -1e308], inputs: { a: { link: ["b", "out"], via: [[1e9, 2]] }, b: [1e308] } };
  const near = { type: "x", at: [3, 4] };
  const scope = { nodes: { far, near }, notes: [{ at: [0, Number.POSITIVE_INFINITY], size: [1e7, 20] }] };
  const read = asWorkflow({ kinegraph: 1, ...scope, subgraphs: { part: scope } } as unknown as Json);
  const within = {
    nodes: {
      far: { ...far, at: [REACH, -REACH], inputs: { a: { link: ["b", "out"], via: [[REACH, 2]] }, b: [1e308] } },
      near,
    },
    notes: [{ at: [0, REACH], size: [REACH, 20] }],
  };
  expect(read).toEqual({ kinegraph: 1, ...within, subgraphs: { part: within } });
  expect(read.nodes?.["near"]).toBe(near);
  expect(asWorkflow(read as unknown as Json)).toBe(read);
});
