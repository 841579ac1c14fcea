import { describe, expect, test } from "vitest";
import type { EventEntry } from "../src/api/types";
import { Editor } from "../src/editor/store";
import { nodesOf, ROOT } from "../src/graph/document";
import { setInput } from "../src/graph/edits";
import { asWorkflow } from "../src/graph/read";
import { makeSubgraph } from "../src/graph/subgraphs";
import { localRuns, localStep } from "../src/run/local";
import { afterEvent, NO_RUN, type RunState, showJob, withPlan } from "../src/run/state";
import { catalogue } from "./toys";

function opened(): Editor {
  const workflow = asWorkflow({
    kinegraph: 1,
    nodes: {
      a: { type: "test_pattern" },
      b: { type: "trim_clip", inputs: { clip: { link: ["a", "clip"] } } },
      c: { type: "save_video", inputs: { clip: { link: ["b", "clip"] } } },
    },
  });
  const editor = new Editor(workflow, catalogue);
  for (const ids of [["b", "c"], ["subgraph"]]) {
    const { edit } = makeSubgraph(editor.workflow, ROOT, new Set(ids), "Part");
    if (edit) editor.perform(edit);
  }
  return editor;
}

describe("scopes of the editor", () => {
  test("one goes in through instances and out again, and what one came from is selected", () => {
    const editor = opened();
    editor.enter("subgraph_2");
    editor.enter("subgraph");
    expect(editor.trail).toEqual(["subgraph_2", "subgraph"]);
    expect(Object.keys(nodesOf(editor.scope))).toEqual(["b", "c"]);
    editor.goInto(["subgraph_2"]);
    expect(editor.document.getState().selection).toEqual(new Set(["subgraph"]));
    editor.enter("nobody");
    expect(editor.trail).toEqual(["subgraph_2"]);
  });

  test("the view comes back as it was left, and a scope that was never seen is shown whole", () => {
    const editor = opened();
    editor.view.setState({ viewport: { x: 5, y: 6, zoom: 0.5 } });
    editor.enter("subgraph_2");
    expect(editor.view.getState().fit).toBe(true);
    editor.goInto([]);
    expect(editor.view.getState().goal).toEqual({ x: 5, y: 6, zoom: 0.5 });
  });

  test("edits inside change the definition, and undoing what made the subgraph leads out of it", () => {
    const editor = opened();
    editor.enter("subgraph_2");
    editor.enter("subgraph");
    editor.edit((workflow, path) => setInput(workflow, path, { node: "b", input: "start_s" }, 2));
    expect(editor.workflow.subgraphs?.["subgraph"]?.nodes?.["b"]?.inputs).toEqual({ start_s: 2 });
    editor.undo();
    expect(editor.trail).toEqual(["subgraph_2", "subgraph"]);
    editor.undo();
    expect([editor.trail, editor.path]).toEqual([[], ROOT]);
  });
});

describe("runs inside of subgraphs", () => {
  const event = (seq: number, kind: string, data: EventEntry["data"]): EventEntry => ({
    number: seq,
    job: "j",
    seq,
    kind,
    at: seq,
    data,
  });
  const events = [
    event(1, "run_started", { summary: "", estimate: null, nodes: 3, to_run: 3 }),
    event(2, "node_started", { node: "a" }),
    event(3, "node_finished", { node: "a", seconds: 1 }),
    event(4, "node_started", { node: "outer/inner/b" }),
    event(5, "node_progress", { node: "outer/inner/b", done: 2, total: 8, unit: "frame" }),
    event(6, "node_finished", { node: "outer/inner/b", seconds: 2 }),
    event(7, "node_started", { node: "outer/c" }),
    event(8, "node_failed", { node: "outer/c", error: { message: "no" } }),
  ];
  const nodesAt = (count: number) => events.slice(0, count).reduce<RunState>(afterEvent, showJob(NO_RUN, "j")).nodes;

  test("an instance stands for what happens inside it, and each scope sees its own nodes", () => {
    const outer = localRuns(nodesAt(5), []).get("outer");
    expect([outer?.state, outer?.done, outer?.total]).toEqual(["running", 2, 8]);
    expect(localRuns(nodesAt(6), []).get("outer")?.state).toBe("done");
    expect(localRuns(nodesAt(6), ["outer"]).get("inner")?.seconds).toBe(2);
    expect(localRuns(nodesAt(6), ["outer", "inner"]).get("b")?.state).toBe("done");
    const failed = localRuns(nodesAt(8), []).get("outer");
    expect([failed?.state, failed?.fault?.message]).toEqual(["failed", "no"]);
    expect(localRuns(nodesAt(8), ["other"]).size).toBe(0);
  });

  test("the summary is the same object while nothing inside has changed", () => {
    const first = nodesAt(3);
    const second = { ...nodesAt(4) };
    expect(localRuns(second, []).get("outer")).toBe(localRuns({ ...second }, []).get("outer"));
    expect(localRuns(first, []).get("outer")).toBe(undefined);
  });

  test("an instance is stale as soon as something inside is, and stops with all that is inside", () => {
    const ended = afterEvent(showJob(NO_RUN, "j"), event(1, "node_started", { node: "outer/c" }));
    const canceled = afterEvent(ended, event(2, "job_state", { state: "canceled" }));
    expect(localRuns(canceled.nodes, []).get("outer")?.state).toBe("idle");
    const step = { node: "outer/c", key: "new", state: "cached" as const, reason: "" };
    const whole = { ...showJob(NO_RUN, "j"), nodes: nodesAt(6), shown: null };
    const planned = withPlan(whole, {
      summary: "",
      estimate: null,
      steps: { "outer/inner/b": { ...step, node: "outer/inner/b" } },
    });
    expect(localRuns(whole.nodes, []).get("outer")?.stale).toBe(false);
    expect(localRuns(planned.nodes, []).get("outer")?.stale).toBe(true);
  });

  test("the plan of an instance is that of the first node inside that will run", () => {
    const step = (node: string, state: "run" | "cached") =>
      [node, { node, key: node, state, reason: "it is new" }] as const;
    const steps = Object.fromEntries([step("a", "cached"), step("x/b", "cached"), step("x/y/c", "run")]);
    const plan = { summary: "", estimate: null, steps };
    expect(localStep(plan, [], "x")?.node).toBe("x/y/c");
    expect(localStep(plan, ["x"], "y")?.state).toBe("run");
    expect(localStep(plan, ["x"], "b")?.state).toBe("cached");
    expect(localStep(plan, [], "z")).toBe(undefined);
  });
});
