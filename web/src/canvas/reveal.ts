/** Goes to what a problem or a run speaks of: opens the scope that it is in, selects it, and brings it into view. */
import type { Editor } from "../editor/store";
import { nodesOf, pointerParts } from "../graph/document";
import { trailTo } from "../graph/scopes";
import { rectsOf } from "./grouping";
import { placeOfProblem } from "./problems";
import { definitionOf, PLAIN_FACE, placeOf, shapeOf } from "./shape";
import { fitting } from "./window";

/** Pixels around a node that is gone to. */
const AROUND = 200;

/** Go to the node of a JSON pointer into the document. */
export function revealProblem(editor: Editor, path: string): void {
  const [kind, subgraph = ""] = pointerParts(path);
  if (placeOfProblem(path, editor.path) === null) {
    const trail = kind === "subgraphs" ? trailTo(editor.workflow, subgraph) : [];
    if (trail) editor.goInto(trail);
  }
  const place = placeOfProblem(path, editor.path);
  if (place) revealNode(editor, place.node);
}

/** Go to a node of a run, which may be inside of subgraphs: `instance/node`. */
export function revealRun(editor: Editor, id: string): void {
  const trail = id.split("/");
  const node = trail.pop() ?? "";
  editor.goInto(trail);
  revealNode(editor, node);
}

/** Go to a node, a group or a note, through the instances of a trail. */
export function reveal(editor: Editor, trail: readonly string[], id: string): void {
  editor.goInto(trail);
  const [rect] = rectsOf(editor.scope, [id]);
  if (!rect) {
    revealNode(editor, id);
    return;
  }
  editor.select([id]);
  editor.view.setState(({ size }) => ({ goal: fitting(rect, size, 1, AROUND), fit: false }));
}

/** Select a node of the open scope and bring it into view. */
export function revealNode(editor: Editor, id: string): void {
  const node = nodesOf(editor.scope)[id];
  if (!node) return;
  const shape = shapeOf(node, definitionOf(editor.scope, editor.definitions, id), PLAIN_FACE);
  const [x, y] = placeOf(node, id, null);
  editor.select([id]);
  editor.view.setState(({ size }) => ({
    goal: fitting({ x0: x, y0: y, x1: x + shape.width, y1: y + shape.height }, size, 1, AROUND),
    fit: false,
  }));
}
