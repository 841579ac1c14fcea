/**
 * Runs as one open scope sees them: the server names nodes inside of subgraphs by the instances on the way, joined with
 * slashes. A node is found under its own id there, and an instance stands for all the nodes inside it.
 */
import type { PlanStep } from "../api/types";
import type { NodeRun, RunState } from "./state";

type Trail = readonly string[];
type Runs = ReadonlyMap<string, NodeRun>;

const known = new WeakMap<RunState["nodes"], Map<string, Runs>>();
/** The last summary of each instance, given again while its parts stay the same, so that nothing is redrawn. */
const summaries = new Map<string, { readonly parts: readonly NodeRun[]; readonly summary: NodeRun }>();

/** The name of a node in a run. */
export function runId(trail: Trail, id: string): string {
  return trail.length === 0 ? id : `${trail.join("/")}/${id}`;
}

/** Runs by the ids of the open scope. */
export function localRuns(nodes: RunState["nodes"], trail: Trail): Runs {
  const byTrail = known.get(nodes) ?? new Map<string, Runs>();
  known.set(nodes, byTrail);
  const prefix = runId(trail, "");
  const kept = byTrail.get(prefix);
  if (kept) return kept;
  const runs = new Map<string, NodeRun>();
  const inside = new Map<string, NodeRun[]>();
  for (const [key, run] of Object.entries(nodes)) {
    if (!key.startsWith(prefix)) continue;
    const [id = "", ...rest] = key.slice(prefix.length).split("/");
    if (rest.length === 0) runs.set(id, run);
    else inside.set(id, [...(inside.get(id) ?? []), run]);
  }
  for (const [id, parts] of inside) runs.set(id, summary(prefix + id, parts));
  byTrail.set(prefix, runs);
  return runs;
}

function summary(key: string, parts: readonly NodeRun[]): NodeRun {
  const last = summaries.get(key);
  if (last && last.parts.length === parts.length && last.parts.every((part, index) => part === parts[index]))
    return last.summary;
  const made = summed(parts);
  summaries.set(key, { parts, summary: made });
  return made;
}

/** Many nodes as one: failed or running as soon as one is, with the progress of the one that runs. */
function summed(parts: readonly NodeRun[]): NodeRun {
  const failed = parts.find((part) => part.state === "failed");
  const running = parts.filter((part) => part.state === "running");
  const lead = failed ?? running.at(-1) ?? parts.at(-1);
  if (!lead) throw new Error("there is nothing to sum up");
  const ended = (["done", "cached", "idle"] as const).find((state) => parts.some((part) => part.state === state));
  const seconds = parts.flatMap((part) => part.seconds ?? []);
  return {
    ...lead,
    state: failed ? "failed" : running.length > 0 ? "running" : (ended ?? lead.state),
    since: Math.min(...parts.map((part) => part.since)),
    stale: parts.some((part) => part.stale),
    seconds: seconds.length > 0 ? seconds.reduce((sum, part) => sum + part, 0) : null,
    preview: lead.preview ?? parts.findLast((part) => part.preview !== null)?.preview ?? null,
    warnings: parts.flatMap((part) => part.warnings),
    artifacts: parts.flatMap((part) => part.artifacts),
  };
}

/** What the plan says of a node of the open scope: for an instance, the first node inside that will run. */
export function localStep(plan: RunState["plan"], trail: Trail, id: string): PlanStep | undefined {
  if (!plan) return undefined;
  const key = runId(trail, id);
  return plan.steps[key] ?? stepsInside(plan.steps).get(key);
}

type Steps = NonNullable<RunState["plan"]>["steps"];
const inside = new WeakMap<Steps, ReadonlyMap<string, PlanStep>>();

/** For every instance, the first step inside it that will run, or the first of all. */
function stepsInside(steps: Steps): ReadonlyMap<string, PlanStep> {
  const kept = inside.get(steps);
  if (kept) return kept;
  const found = new Map<string, PlanStep>();
  for (const step of Object.values(steps))
    for (let end = step.node.lastIndexOf("/"); end > 0; end = step.node.lastIndexOf("/", end - 1)) {
      const instance = step.node.slice(0, end);
      const first = found.get(instance);
      if (!first || (first.state !== "run" && step.state === "run")) found.set(instance, step);
    }
  inside.set(steps, found);
  return found;
}
