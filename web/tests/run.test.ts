import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventEntry } from "../src/api/types";
import { signOf } from "../src/run/nodes";
import {
  afterEvent,
  lostJob,
  NO_RUN,
  newEntry,
  nextOf,
  type RunState,
  secondsLeft,
  showJob,
  withCanceling,
  withJob,
  withJobs,
  withPlan,
} from "../src/run/state";

const entry = newEntry("j", "Boat", 1);

function event(seq: number | null, kind: string, data: object, job = "j"): EventEntry {
  return { job, seq, number: seq, at: 100 + (seq ?? 0), kind, data: data as EventEntry["data"] };
}

const video = { path: "boat.mp4", media_type: "video/mp4", size_bytes: 10, digest: "d" };
const story: EventEntry[] = [
  event(1, "job_state", { state: "queued" }),
  event(2, "job_state", { state: "running" }),
  event(3, "run_started", { summary: "2 of 3 nodes will run", nodes: 3, to_run: 2 }),
  event(4, "node_cached", { node: "a" }),
  event(5, "node_started", { node: "b" }),
  event(6, "node_finished", { node: "b", seconds: 2 }),
  event(7, "node_started", { node: "c" }),
  event(8, "artifact", { node: "c", output: "file", artifact: video }),
  event(9, "node_failed", { node: "c", error: { message: "no", hint: "try" } }),
  event(10, "job_state", { state: "failed", error: { code: "x", message: "no" } }),
];

const url = (data: string) => `data:image/webp;base64,${data}`;
const preview = (node: string, key: string, data: string) =>
  event(null, "node_preview", { node, media_type: "image/webp", data, key });
const step = (node: string, key: string, state: "run" | "cached" | "not_needed" = "cached") => ({
  node,
  key,
  state,
  reason: "",
});
const planOf = (...steps: readonly ReturnType<typeof step>[]) => ({
  summary: "",
  estimate: null,
  steps: Object.fromEntries(steps.map((made) => [made.node, made])),
});

const shown = showJob(withJob(NO_RUN, entry), "j");
const told = (events: readonly EventEntry[], state: RunState = shown) => events.reduce(afterEvent, state);

describe("the state of runs", () => {
  test("a job's events give each node's state", () => {
    const state = told(story);
    expect(Object.fromEntries(Object.entries(state.nodes).map(([id, node]) => [id, node.state]))).toEqual({
      a: "cached",
      b: "done",
      c: "failed",
    });
    expect(state.nodes["c"]?.artifacts).toEqual([video]);
    expect(state.nodes["c"]?.fault?.hint).toBe("try");
    expect(state.jobs[0]?.entry).toMatchObject({ state: "failed", title: "Boat", started_at: 102, finished_at: 110 });
  });

  test("repeated events change nothing, wherever a stream is taken up again", () => {
    fc.assert(
      fc.property(fc.nat(story.length), fc.nat(story.length), (stop, back) => {
        const from = Math.max(stop - back, 0);
        expect(told([...story.slice(0, stop), ...story.slice(from)])).toEqual(told(story));
      }),
    );
  });

  test("events that come before the job is replayed are left to the replay", () => {
    expect(told([...story.slice(6), ...story]).nodes).toEqual(told(story).nodes);
  });

  test.each(["canceled", "interrupted", "failed"])("nothing runs on the canvas when the job is %s", (end) => {
    const running = told([...story.slice(0, 5), preview("b", "kb", "AA==")]);
    expect(running.nodes["b"]).toMatchObject({ state: "running", preview: url("AA==") });
    const state = told([event(6, "job_state", { state: end })], running);
    expect(state.nodes["b"]).toMatchObject({ state: "idle", preview: url("AA=="), total: null });
    expect(state.nodes["a"]?.state).toBe("cached");
    expect(signOf(state.nodes["b"], step("b", "kb", "run"), true)).toBe("will_run");
    const listed = withJobs(running, [{ ...entry, state: end as "canceled" }]);
    expect(listed.nodes["b"]?.state).toBe("idle");
  });

  test("a node that is blocked in the middle runs no more", () => {
    const state = told([...story.slice(0, 5), event(6, "node_blocked", { node: "b", by: "c" })]);
    expect(state.nodes["b"]?.state).toBe("idle");
  });

  test("another job's events leave the canvas alone", () => {
    const state = told([event(1, "node_started", { node: "a" }, "other")]);
    expect(state.nodes).toEqual({});
    expect(state.jobs.map((job) => job.entry.id)).toEqual(["other", "j"]);
  });

  test("progress moves the whole by the running node's share and never back", () => {
    const running = told(story.slice(0, 5));
    const half = told([event(null, "node_progress", { node: "b", done: 5, total: 10, unit: "step" })], running);
    expect(half.jobs[0]?.fraction).toBeCloseTo(0.25);
    const after = told([event(null, "node_progress", { node: "b", done: 1, unit: "step" })], half);
    expect(after.jobs[0]?.fraction).toBeCloseTo(0.25);
    expect(after.nodes["b"]?.total).toBe(null);
  });

  test("the time left follows from the time spent", () => {
    const running = told([
      ...story.slice(0, 5),
      event(null, "node_progress", { node: "b", done: 5, total: 10, unit: "step" }),
    ]);
    const job = running.jobs[0];
    if (!job) throw new Error("there is no job");
    expect(secondsLeft(job, 112_000)).toBeCloseTo(30);
    expect(secondsLeft({ ...job, fraction: 0 }, 112_000)).toBe(null);
  });

  test("earlier runs say how long it takes, until this one knows better", () => {
    const job = told(story.slice(0, 5)).jobs[0];
    if (!job) throw new Error("there is no job");
    const guessed = { ...job, entry: { ...job.entry, estimate_s: 60 } };
    expect(secondsLeft(guessed, 112_000)).toBeCloseTo(50);
    expect(secondsLeft({ ...guessed, fraction: 0.5 }, 112_000)).toBeCloseTo(10);
  });

  test("a fresh list of jobs keeps what is known of their progress", () => {
    const running = told([
      ...story.slice(0, 5),
      event(null, "node_progress", { node: "b", done: 5, total: 10, unit: "step" }),
    ]);
    const listed = withJobs(running, [{ ...entry, state: "running" }]);
    expect(listed.jobs[0]?.fraction).toBeCloseTo(0.25);
  });

  test("a list that is older than the events takes no job back, and still names it", () => {
    const listed = withJobs(told(story), [{ ...entry, title: "Ship", state: "running" }]);
    expect(listed.jobs[0]?.entry).toMatchObject({ state: "failed", title: "Ship", finished_at: 110 });
    expect(listed.jobs[0]?.artifacts).toEqual([{ ...video, node: "c" }]);
    const started = withJobs(told(story.slice(0, 2)), [{ ...entry, state: "queued", position: 1 }]);
    expect(started.jobs[0]?.entry).toMatchObject({ state: "running", position: null });
    const newer = withJobs(told(story.slice(0, 2)), [{ ...entry, state: "canceled" }]);
    expect(newer.jobs[0]?.entry.state).toBe("canceled");
  });

  test("a job that was asked to end says so until it has ended", () => {
    const asked = withCanceling(told(story.slice(0, 5)), "j", true);
    expect(asked.jobs[0]?.canceling).toBe(true);
    expect(told([event(6, "job_state", { state: "canceled" })], asked).jobs[0]?.canceling).toBe(false);
    expect(withJobs(asked, [{ ...entry, state: "canceled" }]).jobs[0]?.canceling).toBe(false);
    expect(withCanceling(asked, "j", false).jobs[0]?.canceling).toBe(false);
  });

  test("a job is lost when its server has stopped in the middle, which is news once", () => {
    const running = told(story.slice(0, 5));
    const lost = withJobs(running, [{ ...entry, state: "interrupted" }]);
    expect(lostJob(running, lost)?.id).toBe("j");
    expect(lostJob(lost, told([event(6, "job_state", { state: "interrupted" })], lost))).toBe(null);
    expect(lostJob(NO_RUN, lost)).toBe(null); // of another visit
    expect(lostJob(running, told(story))).toBe(null);
  });

  test("the canvas goes on to the job of a batch that began last, when the shown one has ended", () => {
    const batch = new Set(["j", "k", "l"]);
    const next = { ...entry, id: "k" };
    const waiting = withJob(withJob(told(story.slice(0, 5)), next), { ...entry, id: "l" });
    expect(nextOf(waiting, batch)).toBe(null);
    const ended = told([event(6, "job_state", { state: "succeeded" })], waiting);
    expect(nextOf(ended, batch)).toBe(null);
    const begun = told([event(2, "job_state", { state: "running" }, "k")], ended);
    expect(nextOf(begun, batch)).toBe("k");
    expect(nextOf(begun, new Set())).toBe(null);
    expect(nextOf(showJob(begun, "k"), batch)).toBe(null);
  });
});

describe("results on the canvas", () => {
  const file = (name: string) => ({ ...video, path: name, digest: name });
  /** A run of one node that saves a file. */
  const run = (job: string, key: string, name: string): EventEntry[] => [
    event(1, "job_state", { state: "running" }, job),
    event(2, "run_started", { summary: "", nodes: 2, to_run: 1 }, job),
    event(3, "node_started", { node: "save" }, job),
    event(4, "node_finished", { node: "save", key, seconds: 1, outputs: { file: file(name) } }, job),
    event(5, "artifact", { node: "save", key, output: "file", artifact: file(name) }, job),
    event(6, "job_state", { state: "succeeded" }, job),
  ];
  const begin = (state: RunState, id: string) => showJob(withJob(state, { ...entry, id }), id);
  const save = (state: RunState) => state.nodes["save"];
  const files = (state: RunState) => save(state)?.artifacts.map(({ path }) => path);
  const sign = (state: RunState, id = "save") => signOf(state.nodes[id], state.plan?.steps[id], state.shown !== null);

  const one = withPlan(told(run("j", "ka", "a.mp4")), planOf(step("save", "ka")));
  const two = withPlan(told(run("k", "kb", "b.mp4"), begin(one, "k")), planOf(step("save", "kb")));

  test("undo brings back what was made with those settings", () => {
    expect([files(two), sign(two)]).toEqual([["b.mp4"], "done"]);
    const undone = withPlan(two, planOf(step("save", "ka")));
    expect([files(undone), sign(undone), save(undone)?.stale]).toEqual([["a.mp4"], "cached", false]);
    const again = withPlan(undone, planOf(step("save", "kb")));
    expect([files(again), sign(again)]).toEqual([["b.mp4"], "cached"]);
    expect(withPlan(again, planOf(step("save", "kb"))).nodes).toBe(again.nodes);
  });

  test("what is of other settings is never taken for what is of these", () => {
    for (const state of ["cached", "not_needed"] as const) {
      const other = withPlan(two, planOf(step("save", "kc", state)));
      expect([files(other), sign(other), save(other)?.stale]).toEqual([["b.mp4"], "stale", true]);
    }
    const edited = withPlan(two, planOf(step("save", "kc", "run")));
    expect(sign(edited)).toBe("will_run");
    expect(sign(withPlan(edited, planOf(step("save", "kb"))))).toBe("done");
  });

  test("events that come after the plan, as after a reload, are seen by its light", () => {
    const listed = showJob(withJobs(NO_RUN, [{ ...entry, state: "succeeded" }]), "j");
    const late = (key: string) => told(run("j", "ka", "a.mp4"), withPlan(listed, planOf(step("save", key))));
    expect([sign(late("ka")), sign(late("kb"))]).toEqual(["done", "stale"]);
  });

  test("a plan that is older than the run leaves no picture of its settings on a node of the run", () => {
    const pictured = withPlan(told([preview("save", "ka", "AA==")], two), planOf(step("save", "ka")));
    const begun = told(run("l", "kc", "c.mp4").slice(0, 3), begin(pictured, "l"));
    expect(save(begun)).toMatchObject({ state: "running", stale: true, preview: url("AA==") });
    const made = told(run("l", "kc", "c.mp4").slice(3), begun);
    expect(save(made)).toMatchObject({ state: "done", stale: false, preview: null, key: "kc" });
  });

  test("what is seen stays while a run goes, until there is something new", () => {
    const seen: unknown[] = [];
    let state = begin(one, "k");
    for (const next of run("k", "kb", "b.mp4")) {
      state = afterEvent(state, next);
      seen.push(files(state));
    }
    expect(seen).toEqual([["a.mp4"], ["a.mp4"], ["a.mp4"], ["b.mp4"], ["b.mp4"], ["b.mp4"]]);
    expect(showJob(state, null).nodes).toEqual({});
  });

  test("a file that is made anew takes the place of the lost one", () => {
    const again = told(run("k", "ka", "a_2.mp4"), begin(one, "k"));
    expect(files(again)).toEqual(["a_2.mp4"]);
  });

  test("a result that nobody read stays as it was seen, and is from the cache", () => {
    const cached = event(3, "node_cached", { node: "save", key: "ka", outputs: {} }, "k");
    const again = told([...run("k", "ka", "").slice(0, 2), cached], begin(one, "k"));
    expect([files(again), save(again)?.state]).toEqual([["a.mp4"], "cached"]);
  });

  test("a failure is of its settings: where nothing need run, it is gone", () => {
    const failure = event(4, "node_failed", { node: "save", key: "kb", error: { message: "no" } }, "k");
    const failed = told([...run("k", "kb", "").slice(0, 3), failure, event(5, "job_state", { state: "failed" }, "k")]);
    const state = told([...run("k", "kb", "").slice(0, 3), failure], begin(one, "k"));
    expect([save(state)?.state, files(state), sign(state)]).toEqual(["failed", [], "failed"]);
    expect(save(failed)).toBeUndefined(); // of a job that is not shown
    const ended = told([event(5, "job_state", { state: "failed" }, "k")], state);
    expect(sign(withPlan(ended, planOf(step("save", "kb", "run"))))).toBe("failed");
    expect(sign(withPlan(ended, planOf(step("save", "kc", "run"))))).toBe("failed");
    const undone = withPlan(ended, planOf(step("save", "ka")));
    expect([save(undone)?.fault, files(undone), sign(undone)]).toEqual([null, ["a.mp4"], "cached"]);
    const elsewhere = withPlan(ended, planOf(step("save", "kd")));
    expect([save(elsewhere)?.fault, sign(elsewhere)]).toEqual([null, null]);
  });

  test("a job that is not shown tells of results as well", () => {
    const other = told(run("other", "kz", "z.mp4"), one);
    expect(files(other)).toEqual(["a.mp4"]);
    expect(files(withPlan(other, planOf(step("save", "kz"))))).toEqual(["z.mp4"]);
  });

  test("logs of earlier versions, which name no keys, show what their job made", () => {
    const plain = run("j", "", "old.mp4").map(({ data, ...rest }) => {
      const { key: _, ...others } = data;
      return { ...rest, data: others };
    });
    expect(files(told(plain))).toEqual(["old.mp4"]);
  });

  test("a graph that never ran is calm, and one that did says what will run, also of new nodes", () => {
    const fresh = withPlan(NO_RUN, planOf(step("save", "ka", "run")));
    expect(sign(fresh)).toBe(null);
    const grown = withPlan(one, planOf(step("save", "ka"), step("new", "kn", "run")));
    expect(sign(grown, "new")).toBe("will_run");
  });

  test("so many are remembered, the latest of them", () => {
    const made = Array.from({ length: 400 }, (_, count) => preview("a", `k${count}`, "AA=="));
    const { results } = told([...made.slice(0, 300), preview("a", "k100", "AQ=="), ...made.slice(300)]);
    expect(Object.keys(results)).toHaveLength(300);
    expect(results["k99"]).toBeUndefined();
    expect(results["k100"]?.preview).toBe(url("AQ=="));
    expect(results["k399"]).toBeDefined();
  });

  test("the last picture of each comes back with its settings, whichever run made it", () => {
    const seen = told([preview("a", "k1", "AA=="), preview("a", "k1", "AQ=="), preview("a", "k2", "Ag==")]);
    const state = withPlan(told(story.slice(3), seen), planOf(step("a", "k1"), step("d", "k2"), step("e", "k3")));
    expect([state.nodes["a"]?.preview, state.nodes["d"]?.preview, state.nodes["e"]]).toEqual([
      url("AQ=="),
      url("Ag=="),
      undefined,
    ]);
  });
});
