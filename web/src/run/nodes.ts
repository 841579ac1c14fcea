/**
 * How the nodes of the canvas stand, and what they show. What is shown is a result, known by its key: what came with an
 * event or with a plan of one key is never taken for that of another. Pure.
 */
import type { EventEntry, PlanStep } from "../api/types";
import { type Artifact, type Fault, known, type Outputs } from "./events";

export type NodeFault = {
  readonly message: string;
  readonly hint: string;
  readonly path: string;
  readonly traceback: string;
};

/** What there is to see of a result. */
export type Result = {
  /** The latest picture of its making, as a data URL. */
  readonly preview: string | null;
  readonly artifacts: readonly Artifact[];
  /** What was put out, by output; empty until it is done. */
  readonly outputs: Outputs;
};

/** All results that the page has seen, by their keys; the latest last. */
export type Results = { readonly [key: string]: Result };

export type NodeRun = Result & {
  /** Idle: it has not begun, or was stopped, and is here for what it shows, which may be of an earlier run. */
  readonly state: "idle" | "running" | "cached" | "done" | "failed";
  /** Names the result that it shows, or the one that it failed to make. */
  readonly key: string | null;
  /** Whether what it shows is not what belongs there now: it is of other settings, or is being made anew. */
  readonly stale: boolean;
  readonly done: number;
  readonly total: number | null;
  readonly unit: string;
  /** Milliseconds since 1970 when it began. */
  readonly since: number;
  readonly seconds: number | null;
  /** Bytes that the worker held at most while it ran, and bytes on the device; null while nobody says. */
  readonly memory: number | null;
  readonly deviceMemory: number | null;
  readonly fault: NodeFault | null;
  readonly warnings: readonly NodeFault[];
};

export type NodeRuns = { readonly [id: string]: NodeRun };

const NOTHING: Result = { preview: null, artifacts: [], outputs: {} };

const IDLE: NodeRun = {
  ...NOTHING,
  state: "idle",
  key: null,
  stale: false,
  done: 0,
  total: null,
  unit: "",
  since: 0,
  seconds: null,
  memory: null,
  deviceMemory: null,
  fault: null,
  warnings: [],
};

/** Results that are remembered; those with a picture are ten kilobytes each. */
const MOST_RESULTS = 300;

/** What is remembered after an event of any job. */
export function resultsAfter(results: Results, event: EventEntry): Results {
  const key = keyIn(event);
  const result = key === null ? null : resultAfter(results[key] ?? NOTHING, event);
  if (key === null || result === null) return results;
  const others = Object.entries(results).filter(([other]) => other !== key);
  return Object.fromEntries([...others.slice(1 - MOST_RESULTS), [key, result]]);
}

/** The key of the result that an event tells of. Logs of earlier versions have none: it is the job's own there. */
function keyIn(event: EventEntry): string | null {
  const { kind, data } = known(event);
  switch (kind) {
    case "node_preview":
    case "node_cached":
    case "node_finished":
    case "node_failed":
    case "artifact":
      return data.key ?? `${event.job}/${data.node}`;
    default:
      return null;
  }
}

function resultAfter(result: Result, event: EventEntry): Result | null {
  const { kind, data } = known(event);
  switch (kind) {
    case "node_preview":
      return { ...result, preview: urlOf(data) };
    case "node_cached": {
      const { outputs = {} } = data;
      if (Object.keys(outputs).length === 0) return result;
      return { ...result, outputs, artifacts: filesIn(outputs).reduce(withArtifact, result.artifacts) };
    }
    case "node_finished": {
      const { outputs = {} } = data;
      // The files are here before they are announced, so that no player goes for a moment to come again.
      return { ...result, outputs, artifacts: filesIn(outputs) };
    }
    case "artifact":
      return { ...result, artifacts: withArtifact(result.artifacts, data.artifact) };
    default:
      return null;
  }
}

function filesIn(outputs: Outputs): readonly Artifact[] {
  return Object.values(outputs).filter(isArtifact);
}

function isArtifact(value: unknown): value is Artifact {
  return typeof value === "object" && value !== null && "digest" in value && "media_type" in value && "path" in value;
}

export function withArtifact<T extends Artifact>(list: readonly T[], artifact: T): readonly T[] {
  return [...list.filter((entry) => entry.path !== artifact.path), artifact];
}

/** The nodes after an event of the shown job, which `results` holds already. */
export function nodesAfter(nodes: NodeRuns, event: EventEntry, results: Results): NodeRuns {
  const id = event.data["node"];
  if (typeof id !== "string") return nodes;
  const node = nodes[id] ?? { ...IDLE, state: "running", since: event.at * 1000 };
  const key = keyIn(event);
  const next = nodeAfter(key === null ? node : showing(node, key, results), event);
  return next ? { ...nodes, [id]: next } : nodes;
}

/** The node with a result, and with nothing of the one that it showed before. */
function showing(node: NodeRun, key: string, results: Results): NodeRun {
  return { ...node, ...(results[key] ?? NOTHING), key, stale: false };
}

function nodeAfter(node: NodeRun, event: EventEntry): NodeRun | null {
  const { kind, data } = known(event);
  switch (kind) {
    case "node_started":
      // What it showed stays until there is something new.
      return { ...node, state: "running", stale: node.key !== null, since: event.at * 1000 };
    case "node_progress":
      return { ...node, done: data.done, total: data.total ?? null, unit: data.unit };
    case "node_preview":
    case "artifact":
      return node;
    case "node_cached":
      return { ...node, state: "cached" };
    case "node_finished":
      return {
        ...node,
        state: "done",
        seconds: data.seconds,
        memory: data.memory_bytes ?? null,
        deviceMemory: data.device_bytes ?? null,
      };
    case "node_failed":
      return { ...node, state: "failed", fault: faultFrom(data.error) };
    case "node_blocked":
      return stopped(node);
    case "node_warning":
      return { ...node, warnings: [...node.warnings, faultFrom(data)] };
    default:
      return null;
  }
}

function urlOf(picture: { readonly media_type: string; readonly data: string }): string {
  return `data:${picture.media_type};base64,${picture.data}`;
}

function faultFrom(fault: Fault): NodeFault {
  return { message: fault.message, hint: fault.hint ?? "", path: fault.path ?? "", traceback: fault.traceback ?? "" };
}

/** The nodes when their job has ended, however it did: nothing runs any more. */
export function settled(nodes: NodeRuns): NodeRuns {
  return changed(nodes, stopped);
}

function stopped(node: NodeRun): NodeRun {
  return node.state === "running" ? { ...node, state: "idle", done: 0, total: null } : node;
}

/** The nodes when another run begins: as they were they stay, with what there is to see, until it has something new. */
export function retired(nodes: NodeRuns): NodeRuns {
  const seen = Object.entries(nodes).filter(([, node]) => shows(node) || Object.keys(node.outputs).length > 0);
  return Object.fromEntries(seen.map(([id, node]) => [id, idle(node)]));
}

function idle({ preview, artifacts, outputs, key, stale }: NodeRun): NodeRun {
  return { ...IDLE, preview, artifacts, outputs, key, stale };
}

/** Whether there is something to see of a node. */
export function shows({ preview, artifacts }: Result): boolean {
  return preview !== null || artifacts.length > 0;
}

/** The nodes by a fresh plan: each with the result that belongs to its settings, if that was ever seen. */
export function planned(nodes: NodeRuns, steps: Iterable<PlanStep>, results: Results): NodeRuns {
  const found = [...steps].flatMap((step) => {
    const node = nodes[step.node];
    const next = nodePlanned(node, step, results);
    return next === undefined || next === node ? [] : [[step.node, next] as const];
  });
  return found.length > 0 ? { ...nodes, ...Object.fromEntries(found) } : nodes;
}

function nodePlanned(node: NodeRun | undefined, { key, state }: PlanStep, results: Results): NodeRun | undefined {
  if (node?.key === key) return node.stale ? { ...node, stale: false } : node;
  if (results[key]) return showing(IDLE, key, results);
  if (!node || node.key === null) return node;
  // Where it need not run it has not failed.
  if (node.state === "failed" && state !== "run") return { ...idle(node), stale: true };
  return node.stale ? node : { ...node, stale: true };
}

/** What is said of a node in one sign. */
export type Sign = "running" | "failed" | "will_run" | "stale" | "done" | "cached";

/** A node's sign by its run and by the plan. `begun`: the graph has run before; until then nothing is said of what will. */
export function signOf(run: NodeRun | undefined, step: PlanStep | undefined, begun: boolean): Sign | null {
  if (run?.state === "running" || run?.state === "failed") return run.state;
  if (step?.state === "run") return begun || run ? "will_run" : null;
  if (run?.stale) return shows(run) ? "stale" : null;
  if (run?.state === "done") return "done";
  return run?.state === "cached" || step?.state === "cached" ? "cached" : null;
}

function changed(nodes: NodeRuns, change: (node: NodeRun) => NodeRun): NodeRuns {
  const found = Object.entries(nodes).flatMap(([id, node]) => {
    const next = change(node);
    return next === node ? [] : [[id, next] as const];
  });
  return found.length > 0 ? { ...nodes, ...Object.fromEntries(found) } : nodes;
}
