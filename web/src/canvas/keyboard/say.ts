/** What a screen reader says of a card: its name, how it stands, and its links. Pure. */
import type { PlanStep } from "../../api/types";
import type { Definitions, NodeDefinition } from "../../graph/catalogue";
import { type NodeInstance, nodesOf, type Scope } from "../../graph/document";
import { neighborsOf } from "../../graph/order";
import { t } from "../../i18n";
import { signOf } from "../../run/nodes";
import type { NodeRun } from "../../run/state";
import { definitionOf } from "../shape";

export type Standing = {
  readonly run: NodeRun | undefined;
  /** What the plan for the next run says of the node. */
  readonly step: PlanStep | undefined;
  readonly problems: ReadonlyMap<string, string>;
};

/** Title, type where the title is another, and how the node stands. */
export function nodeName(node: NodeInstance, definition: NodeDefinition, standing: Standing): string {
  const title = titleOf(node, definition);
  const words = [
    title,
    title === definition.title ? null : definition.title,
    node.mode === "mute" ? t("node.muted") : null,
    node.mode === "bypass" ? t("node.bypassed") : null,
    node.collapsed ? t("say.collapsed") : null,
    node.pinned ? t("node.pinned") : null,
    standingInWords(standing),
  ];
  return words.filter((word) => word !== null).join(", ");
}

/** The same that the badge shows, and what is wrong; what would run is told of a graph that never ran as well. */
export function standingInWords({ run, step, problems }: Standing): string | null {
  const [problem] = problems.values();
  const sign = signOf(run, step, true);
  if (run && sign === "running") return runningInWords(run);
  if (sign === "failed") return t("say.failed_why", { message: run?.fault?.message ?? problem });
  if (problem !== undefined) return t("say.problem", { message: problem });
  if (sign === "will_run") return step?.reason ? t("node.will_run", { name: step.reason }) : t("say.will_run");
  if (sign === "stale") return t("node.stale");
  const warned = run && run.warnings.length > 0 ? `, ${t("say.warned")}` : "";
  if (sign === "done") return t("say.done") + warned;
  return sign === "cached" ? t("node.cached") + warned : null;
}

/** Progress counts in tens, so that it is not read out all the time. */
function runningInWords({ done, total }: NodeRun): string {
  return total ? t("say.running_share", { percent: Math.floor((done / total) * 10) * 10 }) : t("node.running");
}

/** Which nodes feed a node, and which it feeds. */
export function linksInWords(scope: Scope, definitions: Definitions, id: string): string {
  const { from = [], to = [] } = neighborsOf(scope).get(id) ?? {};
  const names = (ids: readonly string[]) => ids.map((other) => titleIn(scope, definitions, other)).join(", ");
  if (from.length + to.length === 0) return t("say.no_links");
  const parts = [
    from.length > 0 ? t("say.fed_by", { names: names(from) }) : null,
    to.length > 0 ? t("say.feeds", { names: names(to) }) : null,
  ];
  return parts.filter((part) => part !== null).join("; ");
}

/** What a node is called: by its own title, or by its type's. */
export function titleIn(scope: Scope, definitions: Definitions, id: string): string {
  return titleOf(nodesOf(scope)[id], definitionOf(scope, definitions, id));
}

function titleOf(node: NodeInstance | undefined, definition: NodeDefinition): string {
  return node?.title || definition.title;
}
