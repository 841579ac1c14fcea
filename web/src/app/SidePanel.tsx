import { X } from "lucide-react";
import { t } from "../i18n";
import { ExposedList } from "./ExposedList";
import { HistoryList } from "./HistoryList";
import { ProblemList } from "./ProblemList";
import { QueueList } from "./QueueList";
import { WorkflowList } from "./WorkflowList";
import { useUi, useWorkplace } from "./workplaceContext";

const TITLES = {
  queue: "queue.title",
  history: "history.title",
  problems: "problems.title",
  workflows: "workflows.title",
  exposed: "exposed.panel",
} as const;

/** The panel on the right, showing one list. */
export function SidePanel() {
  const { ui } = useWorkplace();
  const panel = useUi((state) => state.panel);
  if (panel === null || panel === "library") return null;
  return (
    <aside className="side-panel" aria-label={t(TITLES[panel])}>
      <header>
        <h2>{t(TITLES[panel])}</h2>
        <button
          type="button"
          className="icon-button small"
          title={t("panel.close")}
          aria-label={t("panel.close")}
          onClick={() => ui.setState({ panel: null })}
        >
          <X size={15} />
        </button>
      </header>
      {panel === "queue" && <QueueList />}
      {panel === "history" && <HistoryList />}
      {panel === "problems" && <ProblemList />}
      {panel === "workflows" && <WorkflowList />}
      {panel === "exposed" && <ExposedList />}
    </aside>
  );
}
