import { useDocument } from "../editor/context";
import type { Step } from "../graph/history";
import { t, tDynamic } from "../i18n";
import { useWorkplace } from "./workplaceContext";

/** All steps, newest first; a click goes to the moment after that step. */
export function HistoryList() {
  const { editor } = useWorkplace();
  const past = useDocument((state) => state.history.past);
  const future = useDocument((state) => state.history.future);
  const steps: readonly Step[] = [...past, ...future];
  return (
    <ol className="history-list" reversed>
      {steps
        .map((step, index) => (
          <li key={`${step.at} ${step.label.key}`}>
            <button
              type="button"
              data-undone={index >= past.length}
              aria-current={index === past.length - 1}
              onClick={() => editor.goTo(index + 1)}
            >
              {tDynamic(`step.${step.label.key}`, step.label)}
            </button>
          </li>
        ))
        .reverse()}
      <li>
        <button type="button" aria-current={past.length === 0} onClick={() => editor.goTo(0)}>
          {t("history.start")}
        </button>
      </li>
    </ol>
  );
}
