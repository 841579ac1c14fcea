import { ArrowUpToLine, FileInput, RotateCcw, Trash2, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { artifactUrl, deleteJob, getJob, listJobs, moveBefore, moveToFront } from "../api/client";
import { useRun } from "../editor/context";
import type { Json } from "../graph/document";
import { t } from "../i18n";
import { Scrub } from "../media/Strip";
import { freshJob, isEnded, type JobRun, secondsLeft } from "../run/state";
import { clock, moment } from "./clock";
import { openText } from "./files";
import type { Workplace } from "./workplace";
import { useWorkplace } from "./workplaceContext";

/** Jobs that wait, run and ran, newest first; those that wait are dragged into another order. */
export function QueueList() {
  const place = useWorkplace();
  const jobs = useRun((state) => state.jobs);
  const [query, setQuery] = useState("");
  const [older, setOlder] = useState<readonly JobRun[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const now = useClock(jobs.some((job) => !isEnded(job.entry)));
  const known = new Set(jobs.map((job) => job.entry.id));
  const all = [...jobs, ...older.filter((job) => !known.has(job.entry.id))];
  const found = all.filter((job) => fits(job, query));
  if (all.length === 0)
    return (
      <div className="empty">
        <strong>{t("queue.empty")}</strong>
        <span>{t("queue.empty_hint")}</span>
      </div>
    );
  const more = () =>
    place.runner.act(async () => {
      const page = await listJobs(cursor ?? all.at(-1)?.entry.id ?? null);
      setOlder([...older, ...page.jobs.map(freshJob)]);
      setCursor(page.cursor ?? null);
    });
  return (
    <div className="queue">
      <div className="queue-head">
        <input
          type="search"
          placeholder={t("queue.search")}
          aria-label={t("queue.search")}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
        <button type="button" className="text-button" onClick={() => void clearEnded(place, all)}>
          {t("queue.clear")}
        </button>
      </div>
      <ul className="queue-list">
        {found.map((job) => (
          <JobCard key={job.entry.id} job={job} now={now} />
        ))}
      </ul>
      {all.length >= PAGE && cursor !== null && (
        <button type="button" className="text-button" onClick={() => void more()}>
          {t("queue.more")}
        </button>
      )}
    </div>
  );
}

/** Jobs in one answer of the server. */
const PAGE = 50;

function fits({ entry }: JobRun, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${entry.title} ${t(`queue.${entry.state === "queued" ? "waiting" : entry.state}`)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Take all jobs that have ended off the list, when the user is sure; their files stay. */
async function clearEnded(place: Workplace, jobs: readonly JobRun[]): Promise<void> {
  const ended = jobs.filter((job) => isEnded(job.entry));
  if (ended.length === 0) return;
  const answer = await place.ask({
    title: t("ask.clear", { count: ended.length }),
    text: t("ask.clear_text"),
    answers: [
      { id: "clear", label: t("queue.clear"), kind: "danger" },
      { id: "cancel", label: t("ask.cancel") },
    ],
  });
  if (answer === "clear")
    await place.runner.act(async () => {
      for (const { entry } of ended) await deleteJob(entry.id);
    });
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

/** What a dragged job is known by. */
const DRAGGED = "application/x-kinegraph-job";

function JobCard({ job, now }: { readonly job: JobRun; readonly now: number }) {
  const place = useWorkplace();
  const { entry } = job;
  const shown = useRun((state) => state.shown === entry.id);
  const video = job.artifacts.findLast((artifact) => artifact.media_type.startsWith("video/"));
  const image = job.artifacts.findLast((artifact) => artifact.media_type.startsWith("image/"));

  async function open() {
    const { workflow, title } = await getJob(entry.id);
    await openText(place, JSON.stringify(workflow as Json), title, { job: entry.id });
  }

  return (
    <li
      className="job"
      data-job={entry.id}
      data-state={entry.state}
      data-shown={shown}
      draggable={entry.state === "queued"}
      onDragStart={(event) => event.dataTransfer.setData(DRAGGED, entry.id)}
      onDragOver={(event) =>
        entry.state === "queued" && event.dataTransfer.types.includes(DRAGGED) && event.preventDefault()
      }
      onDrop={(event) => {
        const dragged = event.dataTransfer.getData(DRAGGED);
        if (!dragged || dragged === entry.id) return;
        event.preventDefault();
        event.stopPropagation();
        void place.runner.act(() => moveBefore(dragged, entry.id));
      }}
    >
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
        <span>
          {statusOf(job, now)} · {moment(entry.created_at, now)}
        </span>
        {entry.error && entry.state !== "canceled" && <em title={entry.error.hint ?? ""}>{entry.error.message}</em>}
      </div>
      <div className="job-actions">
        {!isEnded(entry) && (
          <Action label={t("queue.cancel")} icon={<X size={14} />} onClick={() => void place.runner.cancel(entry.id)} />
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
            onClick={() => void place.runner.retry(entry.id)}
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
  if (job.canceling) return t("queue.canceling");
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
