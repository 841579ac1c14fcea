import { ArrowUpToLine, FileInput, RotateCcw, Trash2, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { artifactUrl, cancelJob, deleteJob, getJob, moveToFront, retryJob } from "../api/client";
import { useRun } from "../editor/context";
import type { Json } from "../graph/document";
import { t } from "../i18n";
import { Scrub } from "../media/Strip";
import { isEnded, type JobRun, secondsLeft } from "../run/state";
import { openText } from "./files";
import { useWorkplace } from "./workplaceContext";

/** Jobs that wait, run and ran, newest first. */
export function QueueList() {
  const jobs = useRun((state) => state.jobs);
  const now = useClock(jobs.some((job) => !isEnded(job.entry)));
  if (jobs.length === 0)
    return (
      <div className="empty">
        <strong>{t("queue.empty")}</strong>
        <span>{t("queue.empty_hint")}</span>
      </div>
    );
  return (
    <ul className="queue-list">
      {jobs.map((job) => (
        <JobCard key={job.entry.id} job={job} now={now} />
      ))}
    </ul>
  );
}

/** The time, ticking while something runs. */
function useClock(ticking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}

function JobCard({ job, now }: { readonly job: JobRun; readonly now: number }) {
  const place = useWorkplace();
  const { entry } = job;
  const shown = useRun((state) => state.shown === entry.id);
  const video = job.artifacts.findLast((artifact) => artifact.media_type.startsWith("video/"));
  const image = job.artifacts.findLast((artifact) => artifact.media_type.startsWith("image/"));

  async function open() {
    const { workflow, title } = await getJob(entry.id);
    openText(place, JSON.stringify(workflow as Json), title, { job: entry.id });
  }

  return (
    <li className="job" data-state={entry.state} data-shown={shown}>
      {video ? (
        <div className="job-scrub">
          <Scrub src={artifactUrl(video.digest)} alt="" />
        </div>
      ) : image ? (
        <img src={artifactUrl(image.digest)} alt="" />
      ) : (
        <div className="job-blank" />
      )}
      <div className="job-text">
        <strong>{entry.title || t("app.untitled")}</strong>
        <span>{statusOf(job, now)}</span>
        {entry.error && entry.state !== "canceled" && <em title={entry.error.hint ?? ""}>{entry.error.message}</em>}
      </div>
      <div className="job-actions">
        {!isEnded(entry) && (
          <Action
            label={t("queue.cancel")}
            icon={<X size={14} />}
            onClick={() => void place.runner.act(() => cancelJob(entry.id))}
          />
        )}
        {entry.state === "queued" && (
          <Action
            label={t("queue.front")}
            icon={<ArrowUpToLine size={14} />}
            onClick={() => void place.runner.act(() => moveToFront(entry.id))}
          />
        )}
        {isEnded(entry) && (
          <Action
            label={t("queue.retry")}
            icon={<RotateCcw size={14} />}
            onClick={() => void place.runner.act(() => retryJob(entry.id))}
          />
        )}
        <Action label={t("queue.open")} icon={<FileInput size={14} />} onClick={() => void place.runner.act(open)} />
        {isEnded(entry) && (
          <Action
            label={t("queue.remove")}
            icon={<Trash2 size={14} />}
            onClick={() => void place.runner.act(() => deleteJob(entry.id))}
          />
        )}
      </div>
      {entry.state === "running" && (
        <div className="job-progress">
          <div style={{ width: `${job.fraction * 100}%` }} />
        </div>
      )}
    </li>
  );
}

function Action({
  label,
  icon,
  onClick,
}: {
  readonly label: string;
  readonly icon: ReactNode;
  readonly onClick: () => void;
}) {
  return (
    <button type="button" className="icon-button small" title={label} aria-label={label} onClick={onClick}>
      {icon}
    </button>
  );
}

function statusOf(job: JobRun, now: number): string {
  const { entry } = job;
  if (entry.state === "queued")
    return entry.position === null ? t("queue.waiting") : t("queue.position", { count: entry.position });
  if (entry.state === "running") {
    const left = secondsLeft(job, now);
    const percent = `${Math.round(job.fraction * 100)} %`;
    return left === null
      ? `${t("queue.running")} · ${percent}`
      : `${percent} · ${t("queue.left", { time: clock(left) })}`;
  }
  const took =
    entry.started_at !== null && entry.finished_at !== null ? ` · ${clock(entry.finished_at - entry.started_at)}` : "";
  return t(`queue.${entry.state}`) + took;
}

function clock(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
