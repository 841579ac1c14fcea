/** How runs stand, folded from events: pure. One record a job for the queue; those of the nodes are in `nodes.ts`. */
import type { EventEntry, JobEntry, PlanStep, ProblemEntry } from "../api/types";
import { known, type MadeFile } from "./events";
import {
  type NodeRuns,
  nodesAfter,
  planned,
  type Results,
  resultsAfter,
  retired,
  settled,
  withArtifact,
} from "./nodes";

export type { NodeFault, NodeRun } from "./nodes";

export type JobRun = {
  readonly entry: JobEntry;
  /** Nodes that will run, of which `finished` have. */
  readonly toRun: number;
  readonly finished: number;
  /** Share of the whole that is done, from 0 to 1. */
  readonly fraction: number;
  readonly node: string | null;
  readonly artifacts: readonly MadeFile[];
  /** Whether it was asked to end, and has not yet. */
  readonly canceling: boolean;
  /** Number of its last event that was counted in; a stream that is taken up again may repeat some. */
  readonly seq: number;
};

export type RunState = {
  readonly online: boolean;
  /** Newest first. */
  readonly jobs: readonly JobRun[];
  /** The job that the canvas shows. */
  readonly shown: string | null;
  readonly nodes: NodeRuns;
  /** Number of the last event of the shown job that `nodes` holds; they are taken in without a gap. */
  readonly seq: number;
  readonly results: Results;
  readonly problems: readonly ProblemEntry[];
  readonly plan: RunPlan | null;
};

export type RunPlan = {
  readonly summary: string;
  /** Seconds that the run will take, going by earlier ones; null when nothing is known. */
  readonly estimate: number | null;
  readonly steps: { readonly [node: string]: PlanStep };
};

export const NO_RUN: RunState = {
  online: false,
  jobs: [],
  shown: null,
  nodes: {},
  seq: 0,
  results: {},
  problems: [],
  plan: null,
};

const ENDED = new Set(["succeeded", "failed", "canceled", "interrupted"]);

export const isEnded = (entry: JobEntry) => ENDED.has(entry.state);

/** Whether an event says that its job has ended. */
export const endsJob = ({ kind, data }: EventEntry) => kind === "job_state" && ENDED.has(String(data["state"]));

/** The job that was lost with its server between two states; null when none was, or when it was known before. */
export function lostJob(before: RunState, now: RunState): JobEntry | null {
  if (before.jobs === now.jobs) return null;
  const going = new Set(before.jobs.filter(({ entry }) => !isEnded(entry)).map(({ entry }) => entry.id));
  return now.jobs.find(({ entry }) => entry.state === "interrupted" && going.has(entry.id))?.entry ?? null;
}

/** The state with a fresh list of jobs; what is known of their progress is kept. */
export function withJobs(state: RunState, entries: readonly JobEntry[]): RunState {
  const known = new Map(state.jobs.map((job) => [job.entry.id, job]));
  const jobs = entries.map((entry) => {
    const job = known.get(entry.id) ?? freshJob(entry);
    // A list may come later than events that are newer than it; a job only ever moves on.
    if (stage(job.entry) > stage(entry)) return named(job, entry);
    return { ...job, entry, artifacts: entry.artifacts, canceling: job.canceling && !isEnded(entry) };
  });
  return calmed({ ...state, jobs });
}

/** The state in which nothing runs on the canvas when the job there has ended, whoever ended it. */
function calmed(state: RunState): RunState {
  const job = state.jobs.find(({ entry }) => entry.id === state.shown);
  return job && isEnded(job.entry) ? { ...state, nodes: settled(state.nodes) } : state;
}

function stage({ state }: JobEntry): number {
  return state === "queued" ? 0 : state === "running" ? 1 : 2;
}

/** The job with what only an answer of the server tells, and no event. */
function named(job: JobRun, { title, created_at }: JobEntry): JobRun {
  return { ...job, entry: { ...job.entry, title, created_at } };
}

/** Show a job of the document on the canvas; what is there already stays to be seen until the job has something new. */
export function showJob(state: RunState, id: string | null): RunState {
  return { ...state, shown: id, nodes: id === null ? {} : retired(state.nodes), seq: 0, plan: null };
}

/** The state with a fresh plan of the document, in which nothing is wrong. */
export function withPlan(state: RunState, plan: RunPlan): RunState {
  // What was planned before a run says nothing of the nodes that it has finished meanwhile.
  if (isShownBusy(state)) return { ...state, problems: [], plan: null };
  const nodes = planned(state.nodes, Object.values(plan.steps), state.results);
  return { ...state, problems: [], plan, nodes };
}

/** The job of a batch that the canvas goes on to: the one that began last, once the shown one has ended. */
export function nextOf(state: RunState, batch: ReadonlySet<string>): string | null {
  if (isShownBusy(state)) return null;
  const begun = state.jobs.filter(({ entry }) => batch.has(entry.id) && entry.started_at !== null);
  const last = begun.toSorted((a, b) => (b.entry.started_at ?? 0) - (a.entry.started_at ?? 0))[0]?.entry.id;
  return last === undefined || last === state.shown ? null : last;
}

/** Whether the job on the canvas waits or runs. */
function isShownBusy({ jobs, shown }: RunState): boolean {
  return jobs.some(({ entry }) => entry.id === shown && !isEnded(entry));
}

/** What is known of a job before any of its events. */
export function freshJob(entry: JobEntry): JobRun {
  const fraction = isEnded(entry) ? 1 : 0;
  const { artifacts } = entry;
  return { entry, toRun: 0, finished: 0, fraction, node: null, artifacts, canceling: false, seq: 0 };
}

/** Add a job that was just submitted, or one that another client did. */
export function withJob(state: RunState, entry: JobEntry): RunState {
  const known = state.jobs.find((job) => job.entry.id === entry.id);
  if (!known) return { ...state, jobs: [freshJob(entry), ...state.jobs] };
  // Its events may have come before the answer: they know its state.
  return { ...state, jobs: state.jobs.map((job) => (job === known ? named(job, entry) : job)) };
}

/** The state in which a job was asked to end, or was not after all. */
export function withCanceling(state: RunState, id: string, canceling: boolean): RunState {
  return { ...state, jobs: state.jobs.map((job) => (job.entry.id === id ? { ...job, canceling } : job)) };
}

/** The state after an event. Events of unknown jobs make them known; those of other jobs leave the canvas alone. */
export function afterEvent(state: RunState, event: EventEntry): RunState {
  const listed = state.jobs.find((entry) => entry.entry.id === event.job);
  const job = listed ?? freshJob(entryFrom(event));
  const isNew = event.seq === null || event.seq > job.seq;
  const next = isNew ? { ...jobAfter(job, event), seq: event.seq ?? job.seq } : job;
  const jobs = listed ? state.jobs.map((entry) => (entry === listed ? next : entry)) : [next, ...state.jobs];
  const results = resultsAfter(state.results, event);
  const isNext = event.seq === null || event.seq === state.seq + 1;
  if (event.job !== state.shown || !isNext) return { ...state, jobs, results };
  const told = event.kind === "run_started" ? retired(state.nodes) : nodesAfter(state.nodes, event, results);
  // There is a plan where the events of a job that has ended come late, as after a reload.
  const step = state.plan?.steps[String(event.data["node"])];
  const nodes = step ? planned(told, [step], results) : told;
  return calmed({ ...state, jobs, results, nodes, seq: event.seq ?? state.seq });
}

function entryFrom(event: EventEntry): JobEntry {
  return newEntry(event.job, "", event.at);
}

/** The record of a job of which nothing more is known yet. */
export function newEntry(id: string, title: string, createdAt: number): JobEntry {
  return {
    id,
    state: "queued",
    title,
    priority: 0,
    created_at: createdAt,
    started_at: null,
    finished_at: null,
    error: null,
    retry_of: null,
    position: null,
    targets: null,
    estimate_s: null,
    artifacts: [],
  };
}

function jobAfter(job: JobRun, event: EventEntry): JobRun {
  const { kind, data } = known(event);
  switch (kind) {
    case "job_state":
      return {
        ...job,
        entry: entryAfter(job.entry, event),
        fraction: data.state === "succeeded" ? 1 : job.fraction,
        node: ENDED.has(data.state) ? null : job.node,
        canceling: job.canceling && !ENDED.has(data.state),
      };
    case "run_started":
      return { ...job, toRun: data.to_run, finished: 0, fraction: 0 };
    case "node_started":
      return { ...job, node: data.node };
    case "node_progress":
      return { ...job, node: data.node, fraction: overall(job, data.total ? data.done / data.total : 0) };
    case "node_finished":
      return { ...job, finished: job.finished + 1, fraction: overall({ ...job, finished: job.finished + 1 }, 0) };
    case "artifact":
      return { ...job, artifacts: withArtifact(job.artifacts, { ...data.artifact, node: data.node }) };
    default:
      return job;
  }
}

function entryAfter(entry: JobEntry, event: EventEntry): JobEntry {
  const { state, error } = event.data as { state: JobEntry["state"]; error?: JobEntry["error"] };
  const times = state === "running" ? { started_at: event.at } : ENDED.has(state) ? { finished_at: event.at } : {};
  return { ...entry, ...times, state, position: state === "queued" ? entry.position : null, error: error ?? null };
}

/** Streams run at once, so a node's own share moves the whole by at most one node. It never goes back. */
function overall(job: JobRun, share: number): number {
  return Math.max(job.fraction, Math.min((job.finished + share) / Math.max(job.toRun, 1), 1));
}

/** Seconds that a job still takes, by earlier runs and by what it took so far; null while that says nothing. */
export function secondsLeft(job: JobRun, now: number): number | null {
  const { state, started_at, estimate_s } = job.entry;
  if (state !== "running" || started_at === null) return null;
  const spent = now / 1000 - started_at;
  // Until a good part is done, earlier runs know better than this one.
  if (estimate_s !== null && job.fraction < 0.3 && estimate_s > spent) return estimate_s - spent;
  if (job.fraction < 0.05) return null;
  return spent < 1 ? null : (spent / job.fraction) * (1 - job.fraction);
}
