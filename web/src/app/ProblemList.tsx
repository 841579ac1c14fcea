import { revealProblem } from "../canvas/reveal";
import { useDocument, useRun } from "../editor/context";
import { t } from "../i18n";
import { commandById } from "./commands";
import { nothingToRun, showSwitchedOff } from "./nothingToRun";
import type { Workplace } from "./workplace";
import { useWorkplace } from "./workplaceContext";

/** What the server finds wrong; a click goes to the node, or to what helps. */
export function ProblemList() {
  const place = useWorkplace();
  const problems = useRun((state) => state.problems);
  const workflow = useDocument((state) => state.history.document);
  if (problems.length === 0)
    return (
      <div className="empty">
        <strong>{t("problems.none")}</strong>
        <span>{t("problems.none_hint")}</span>
      </div>
    );

  return (
    <ul className="problem-list">
      {problems.map((problem) => {
        const why = nothingToRun(problem, workflow);
        const message = why ? t(`problems.${why}`) : problem.message;
        const hint = why ? t(`problems.${why}_hint`) : problem.hint;
        return (
          <li key={problem.path + problem.code}>
            <button type="button" onClick={() => lead(place, why, problem.path)}>
              <code>{placeName(problem.path)}</code>
              <strong>{message}</strong>
              {hint && <span>{hint}</span>}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function lead(place: Workplace, why: ReturnType<typeof nothingToRun>, path: string): void {
  if (why === "switched_off") showSwitchedOff(place);
  else if (why === "no_result") commandById("search")?.run(place);
  else revealProblem(place.editor, path);
}

/** A pointer as people read it: the node, and its input. */
function placeName(path: string): string {
  const node = path
    .replace(/^\/subgraphs\/([^/]+)\/nodes\//, "$1 › ")
    .replace(/^\/nodes\/?/, "")
    .replace("/inputs/", " · ");
  return node || t("problems.whole");
}
