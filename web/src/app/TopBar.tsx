import {
  AlertTriangle,
  FolderOpen,
  Folders,
  History,
  Library as LibraryIcon,
  ListVideo,
  Moon,
  Play,
  Plus,
  Redo2,
  Save,
  Search,
  Sun,
  Undo2,
  WifiOff,
  X,
} from "lucide-react";
import type { ReactNode } from "react";
import { useStore } from "zustand";
import { useDocument, useRun } from "../editor/context";
import { t, tDynamic } from "../i18n";
import { clock } from "./clock";
import { commandById } from "./commands";
import { shown } from "./keys";
import { MainMenu } from "./MainMenu";
import { useUi, useWorkplace } from "./workplaceContext";

/**
 * The window's head: what is open, what can be done with it, and the button that matters. `data-room` says how much room
 * there must be for a part to be shown: what goes in a narrow window is in the menus all the same.
 */
export function TopBar() {
  return (
    <header className="top-bar">
      <div className="top-group">
        <Mark />
        <MainMenu />
      </div>
      <nav className="top-group" aria-label={t("menu.edit")}>
        <div className="top-group" data-room="middle">
          <CommandButton id="new" icon={<Plus size={16} />} />
          <CommandButton id="open" icon={<FolderOpen size={16} />} />
          <CommandButton id="save" icon={<Save size={16} />} />
          <i className="divider" />
        </div>
        <div className="top-group" data-room="some">
          <UndoButtons />
        </div>
        <div className="top-group" data-room="middle">
          <i className="divider" />
          <PaletteButton />
        </div>
      </nav>
      <div className="top-group end">
        <Connection />
        <PlanSummary />
        <div className="top-group" data-room="some">
          <PanelButton panel="workflows" id="workflows" icon={<Folders size={16} />} />
        </div>
        <div className="top-group" data-room="little">
          <PanelButton panel="library" id="library" icon={<LibraryIcon size={16} />} />
          <PanelButton panel="history" id="history" icon={<History size={16} />} />
        </div>
        <PanelButton panel="queue" id="queue" icon={<ListVideo size={16} />} />
        <div className="top-group" data-room="little">
          <ThemeButton />
        </div>
        <RunButton />
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="26" height="26" role="img" aria-label={t("app.name")}>
      <rect width="32" height="32" rx="9" fill="var(--accent)" />
      <path
        d="M9 10c7 0 7 12 14 12M9 22c3.5 0 5.2-3 7-6"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <g fill="#fff">
        <circle cx="9" cy="10" r="3" />
        <circle cx="9" cy="22" r="3" />
        <circle cx="23" cy="22" r="3" />
      </g>
    </svg>
  );
}

/** The command's name and its keys, for a tooltip. */
function hintOf(id: string): { title: string; keys: string } {
  const command = commandById(id);
  const keys = command?.keys?.[0];
  return { title: command ? t(command.title) : id, keys: keys ? ` (${shown(keys).join("+")})` : "" };
}

function CommandButton({ id, icon }: { readonly id: string; readonly icon: ReactNode }) {
  const place = useWorkplace();
  const { title, keys } = hintOf(id);
  return (
    <button
      type="button"
      className="icon-button"
      title={title + keys}
      aria-label={title}
      onClick={() => commandById(id)?.run(place)}
    >
      {icon}
    </button>
  );
}

function UndoButtons() {
  const { editor } = useWorkplace();
  const past = useDocument((state) => state.history.past.at(-1));
  const future = useDocument((state) => state.history.future[0]);
  const name = (step: typeof past) => (step ? tDynamic(`step.${step.label.key}`, step.label) : "");
  return (
    <>
      <button
        type="button"
        className="icon-button"
        disabled={!past}
        title={past ? t("cmd.undo_named", { name: name(past) }) : t("cmd.undo")}
        aria-label={t("cmd.undo")}
        onClick={() => editor.undo()}
      >
        <Undo2 size={16} />
      </button>
      <button
        type="button"
        className="icon-button"
        disabled={!future}
        title={future ? t("cmd.redo_named", { name: name(future) }) : t("cmd.redo")}
        aria-label={t("cmd.redo")}
        onClick={() => editor.redo()}
      >
        <Redo2 size={16} />
      </button>
    </>
  );
}

function PaletteButton() {
  const { ui } = useWorkplace();
  return (
    <button
      type="button"
      className="palette-button"
      title={t("cmd.palette")}
      onClick={() => ui.setState({ dialog: "palette" })}
    >
      <Search size={14} />
      <span>{t("cmd.palette")}</span>
      <kbd>{shown("mod+k").join(" ")}</kbd>
    </button>
  );
}

function PanelButton({
  panel,
  id,
  icon,
}: {
  readonly panel: "queue" | "library" | "history" | "workflows";
  readonly id: string;
  readonly icon: ReactNode;
}) {
  const place = useWorkplace();
  const open = useUi((ui) => ui.panel === panel);
  const waiting = useRun(
    (state) => state.jobs.filter((job) => job.entry.state === "queued" || job.entry.state === "running").length,
  );
  const { title, keys } = hintOf(id);
  const counts = panel === "queue" && waiting > 0;
  return (
    <button
      type="button"
      className="icon-button"
      aria-pressed={open}
      title={title + keys}
      aria-label={counts ? `${title} ${waiting}` : title}
      onClick={() => commandById(id)?.run(place)}
    >
      {icon}
      {counts && <span className="count">{waiting}</span>}
    </button>
  );
}

function ThemeButton() {
  const place = useWorkplace();
  const theme = useUi((ui) => ui.theme);
  return (
    <button
      type="button"
      className="icon-button"
      title={t("cmd.theme")}
      aria-label={t("cmd.theme")}
      onClick={() => place.ui.getState().switchTheme()}
    >
      {theme === "dark" ? <Sun size={16} /> : <Moon size={16} />}
    </button>
  );
}

function Connection() {
  const { connection } = useWorkplace();
  const online = useRun((state) => state.online);
  const phase = useStore(connection.phase, (state) => state.phase);
  // To be not signed in is told on the canvas, with the way out; the server does answer.
  if (online || phase === "loading" || phase === "signed_out") return null;
  return (
    <span className="offline" role="status" title={t("app.offline")}>
      <WifiOff size={13} aria-hidden />
      <span>{t("app.offline")}</span>
    </span>
  );
}

/** What a run would do, or what is in its way. */
function PlanSummary() {
  const { ui } = useWorkplace();
  const problems = useRun((state) => state.problems.length);
  const plan = useRun((state) => state.plan);
  const canceling = useRun((state) => state.jobs.some((job) => job.canceling));
  if (canceling) return <span className="plan">{t("queue.canceling")}</span>;
  if (problems > 0)
    return (
      <button type="button" className="plan bad" onClick={() => ui.getState().toggle("problems")}>
        <AlertTriangle size={13} />
        <span>{t("problems.count", { count: problems })}</span>
      </button>
    );
  if (plan === null) return null;
  const { summary, estimate } = plan;
  const known = estimate !== null && estimate >= 1;
  const text = known ? t("plan.about", { summary, time: clock(estimate) }) : summary;
  return (
    <span className="plan" title={text}>
      {text}
    </span>
  );
}

/** Most jobs that one press of the button queues. */
const MOST_RUNS = 100;

function RunButton() {
  const place = useWorkplace();
  const batch = useUi((ui) => ui.batch);
  const running = useRun((state) => state.jobs.find((job) => job.entry.state === "running"));
  return (
    <div className="run-group">
      {running && (
        <button
          type="button"
          className="icon-button"
          title={t("cmd.cancel")}
          aria-label={t("cmd.cancel")}
          onClick={() => commandById("cancel")?.run(place)}
        >
          <X size={16} />
        </button>
      )}
      <input
        type="number"
        className="batch"
        min={1}
        max={MOST_RUNS}
        value={batch}
        title={t("run.batch")}
        aria-label={t("run.batch")}
        onChange={(event) => {
          const count = Math.round(Number(event.target.value));
          place.ui.setState({ batch: Math.min(Math.max(count || 1, 1), MOST_RUNS) });
        }}
      />
      <button
        type="button"
        className="run-button"
        title={t("cmd.run") + hintOf("run").keys}
        onClick={() => commandById("run")?.run(place)}
      >
        <Play size={14} fill="currentColor" />
        {t("cmd.run")}
        {running && <span className="run-fill" style={{ width: `${running.fraction * 100}%` }} />}
      </button>
    </div>
  );
}
