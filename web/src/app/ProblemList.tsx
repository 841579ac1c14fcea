import { revealProblem } from "../canvas/reveal";
import { useRun } from "../editor/context";
import { t } from "../i18n";
import { useWorkplace } from "./workplaceContext";

/** What the server finds wrong; a click goes to the node. */
export function ProblemList() {
  const { editor } = useWorkplace();
  const problems = useRun((state) => state.problems);
  if (problems.length === 0)
    return (
      <div className="empty">
        <strong>{t("problems.none")}</strong>
        <span>{t("problems.none_hint")}</span>
      </div>
    );

  return (
    <ul className="problem-list">
      {problems.map((problem) => (
        <li key={problem.path + problem.code}>
          <button type="button" onClick={() => revealProblem(editor, problem.path)}>
            <code>{placeName(problem.path)}</code>
            <strong>{problem.message}</strong>
            {problem.hint && <span>{problem.hint}</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A pointer as people read it: the node, and its input. */
function placeName(path: string): string {
  return (
    path
      .replace(/^\/subgraphs\/([^/]+)\/nodes\//, "$1 › ")
      .replace(/^\/nodes\//, "")
      .replace("/inputs/", " · ") || "/"
  );
}
