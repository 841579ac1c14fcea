import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventEntry } from "../src/api/types";
import {
  afterEvent,
  NO_RUN,
  newEntry,
  type RunState,
  secondsLeft,
  showJob,
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

  describe("of results that were made before", () => {
    const picture = (key: string, data: string) =>
      event(null, "node_preview", { node: "a", media_type: "image/webp", data, key });
    const planned = (keys: { readonly [node: string]: string }) => {
      const steps = Object.entries(keys).map(([node, key]) => [node, { node, key, state: "cached", reason: "" }]);
      return { summary: "", estimate: null, steps: Object.fromEntries(steps) };
    };
    const url = (data: string) => `data:image/webp;base64,${data}`;
    const shows = (state: RunState) =>
      Object.fromEntries(Object.entries(state.nodes).map(([id, node]) => [id, [node.state, node.preview]]));
    const before = told([picture("k1", "AA=="), picture("k1", "AQ=="), picture("k2", "Ag==")]);
    const ended = told([...story, picture("k2", "Ag==")], before);

    test("a plan brings the last picture of each, whichever run made it", () => {
      const state = withPlan(ended, planned({ a: "k1", d: "k2", e: "k3" }));
      expect(state.nodes["a"]).toMatchObject({ state: "cached", preview: url("AQ==") });
      expect(state.nodes["d"]).toMatchObject({ state: "idle", preview: url("Ag==") });
      expect(state.nodes["e"]).toBeUndefined();
      const undone = withPlan(state, planned({ a: "k2", d: "k3" }));
      expect(undone.nodes["a"]?.preview).toBe(url("Ag=="));
      expect(undone.nodes["d"]?.preview).toBe(url("Ag==")); // of other settings, until there is another
      expect(withPlan(undone, planned({ a: "k2" })).nodes).toBe(undone.nodes);
    });

    test("they stay when the next run begins, which has no plan yet", () => {
      const asked = { ...withPlan(ended, planned({ a: "k1", d: "k2" })), plan: null };
      const next = showJob(withJob(asked, { ...entry, id: "next" }), "next");
      const idle = { a: ["idle", url("AQ==")], d: ["idle", url("Ag==")] };
      expect(shows(next)).toEqual(idle);
      const begun = told(
        [1, 2, 3].map((seq) => ({ ...(story[seq - 1] as EventEntry), job: "next" })),
        next,
      );
      expect(shows(begun)).toEqual(idle);
      expect(shows(told([{ ...(story[3] as EventEntry), job: "next" }], begun))["a"]).toEqual(["cached", url("AQ==")]);
    });
  });

  test("the pictures of so many results are kept, the latest of them", () => {
    const made = Array.from({ length: 400 }, (_, count) =>
      event(null, "node_preview", { node: "a", media_type: "image/webp", data: "AA==", key: `k${count}` }),
    );
    const again = event(null, "node_preview", { node: "a", media_type: "image/webp", data: "AQ==", key: "k100" });
    const { pictures } = told([...made.slice(0, 300), again, ...made.slice(300)]);
    expect(Object.keys(pictures)).toHaveLength(300);
    expect(pictures["k99"]).toBeUndefined();
    expect(pictures["k100"]).toBe("data:image/webp;base64,AQ==");
    expect(pictures["k399"]).toBeDefined();
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
});
