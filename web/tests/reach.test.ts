/** Places that no canvas can show. */
import { expect, test } from "vitest";
import { boundsWith } from "../src/canvas/grouping";
import { sceneOf } from "../src/canvas/scene";
import { PLAIN_FACE } from "../src/canvas/shape";
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

test("one node that strayed does not move the view away from all others", () => {
  const near = Object.fromEntries(["a", "b", "c"].map((id, index) => [id, { type: "x", at: [index * 400, 0] }]));
  const workflow = asWorkflow({
    kinegraph: 1,
    nodes: { far: { type: "x", at: [1e308, 0] }, ...near },
  } as unknown as Json);
  const scene = sceneOf(
    workflow,
    () => undefined,
    () => PLAIN_FACE,
    null,
  );
  expect(boundsWith(scene, workflow, null)).toMatchObject({ x0: 0, y0: 0 });
  expect(boundsWith(scene, workflow, null)?.x1).toBeLessThan(1300);
  expect(boundsWith(scene, workflow, new Set(["far"]))?.x0).toBe(REACH);
});
