import { placeOfProblem } from "../canvas/problems";
import { definitionOf, PLAIN_FACE, placeOf, shapeOf } from "../canvas/shape";
import { fitting } from "../canvas/window";
import { useRun } from "../editor/context";
import { nodesOf } from "../graph/document";
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

  function goTo(path: string) {
    const place = placeOfProblem(path, editor.path);
    const node = place && nodesOf(editor.scope)[place.node];
    if (!place || !node) return;
    const shape = shapeOf(node, definitionOf(editor.scope, editor.definitions, place.node), PLAIN_FACE);
    const [x, y] = placeOf(node, place.node, null);
    editor.select([place.node]);
    editor.view.setState(({ size }) => ({
      goal: fitting({ x0: x, y0: y, x1: x + shape.width, y1: y + shape.height }, size, 1, 200),
    }));
  }

  return (
    <ul className="problem-list">
      {problems.map((problem) => (
        <li key={problem.path + problem.code}>
          <button type="button" onClick={() => goTo(problem.path)}>
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
  return path.replace(/^\/nodes\//, "").replace("/inputs/", " · ") || "/";
}
