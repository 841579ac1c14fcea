import { AlertTriangle, CircleAlert, CircleCheck, History, LoaderCircle, RefreshCw, Zap } from "lucide-react";
import { useEffect, useState } from "react";
import { useRun } from "../../editor/context";
import { t } from "../../i18n";
import { signOf } from "../../run/nodes";
import type { NodeRun } from "../../run/state";
import { usePlanStep } from "../nodeRun";

/** How the node stands: running, failed, to run again, showing what is of other settings, done, or from the cache. */
export function RunBadge({ id, run }: { readonly id: string; readonly run: NodeRun | undefined }) {
  const step = usePlanStep(id);
  const begun = useRun((state) => state.shown !== null);
  const sign = signOf(run, step, begun);
  if (run && sign === "running") return <BusyBadge run={run} />;
  if (run && sign === "done") return <DoneBadge run={run} />;
  if (sign === "failed")
    return (
      <span className="node-badge bad">
        <AlertTriangle size={14} aria-label={t("node.failed")} />
      </span>
    );
  if (sign === "will_run" || sign === "stale") {
    const reason = sign === "stale" ? t("node.stale") : t("node.will_run", { name: step?.reason });
    const Icon = sign === "stale" ? History : RefreshCw;
    return (
      <span className="node-badge stale" title={reason}>
        <Icon size={12} aria-label={reason} />
      </span>
    );
  }
  if (sign !== "cached") return null;
  return (
    <span
      className="node-badge"
      title={step?.reason ? t("node.cached_why", { reason: step.reason }) : t("node.cached")}
    >
      <Zap size={13} aria-label={t("node.cached")} />
    </span>
  );
}

/** What a node warned of, and what to do about it. */
export function WarningBadge({ run }: { readonly run: NodeRun | undefined }) {
  if (!run || run.warnings.length === 0) return null;
  const text = run.warnings.map(({ message, hint }) => (hint ? `${message} (${hint})` : message)).join("\n");
  return (
    <span className="node-badge warn" title={text} role="img" aria-label={t("node.warned", { message: text })}>
      <CircleAlert size={13} aria-hidden />
    </span>
  );
}

function BusyBadge({ run }: { readonly run: NodeRun }) {
  return (
    <span className="node-badge busy">
      {run.total ? (
        <span className="node-count">{t("node.progress", { done: run.done, total: run.total })}</span>
      ) : (
        <Elapsed since={run.since} />
      )}
      <LoaderCircle size={13} className="spin" aria-label={t("node.running")} />
    </span>
  );
}

function DoneBadge({ run }: { readonly run: NodeRun }) {
  const worthSaying = run.seconds !== null && run.seconds >= 0.05;
  return (
    <span className="node-badge good" title={costOf(run)}>
      {worthSaying && <span className="node-count">{t("node.seconds", { count: run.seconds?.toFixed(1) ?? "" })}</span>}
      <CircleCheck size={13} aria-hidden />
    </span>
  );
}

/** Time and memory that a node took, for its tooltip. */
function costOf({ seconds, memory, deviceMemory }: NodeRun): string {
  const parts = [
    seconds === null ? null : t("node.took", { time: seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(0) }),
  ];
  if (memory !== null) parts.push(t("node.memory", { size: bytes(memory) }));
  if (deviceMemory !== null) parts.push(t("node.device_memory", { size: bytes(deviceMemory) }));
  return parts.filter(Boolean).join("\n");
}

function bytes(count: number): string {
  return count >= 2 ** 30 ? `${(count / 2 ** 30).toFixed(1)} GiB` : `${Math.round(count / 2 ** 20)} MiB`;
}

function Elapsed({ since }: { readonly since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = (now - since) / 1000;
  return seconds < 1 ? null : <span className="node-count">{t("node.seconds", { count: seconds.toFixed(0) })}</span>;
}

/** How far a running node is. */
export function Progress({ run }: { readonly run: NodeRun }) {
  const share = run.total ? run.done / run.total : null;
  return (
    <div
      className="node-progress"
      role="progressbar"
      aria-valuemin={0}
      aria-valuemax={100}
      {...(share === null ? {} : { "aria-valuenow": Math.round(share * 100) })}
    >
      <div
        className={share === null ? "indeterminate" : ""}
        style={share === null ? {} : { width: `${share * 100}%` }}
      />
    </div>
  );
}
