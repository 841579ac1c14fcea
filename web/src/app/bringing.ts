/** Files that are brought to the canvas: a workflow is opened; what can be loaded is uploaded, and a node loads it. */
import { upload } from "../api/client";
import { toGraph } from "../canvas/window";
import type { Editor } from "../editor/store";
import type { Point } from "../graph/document";
import { t } from "../i18n";
import { kindOfFile } from "../media/frames";
import { loaderOf, loadFile } from "../media/use";
import { openText, readFile } from "./files";
import { attempt } from "./opening";
import type { Workplace } from "./workplace";

/** Open the workflow of a dropped file, or put a node there that loads the file; says so when neither can be. */
export async function bringFile(place: Workplace, file: File, screen: Point): Promise<void> {
  const { editor } = place;
  const at = placeOf(editor, screen);
  const found = await readFile(place, file);
  if (found.kind === "workflow") await openText(place, found.text, file.name);
  else if (found.kind === "none" && !(await load(place, editor, file, at)))
    place.tell(t("tell.no_workflow", { name: file.name }), "error");
}

/** Upload a file and add the node that loads it. Returns false when no node does. */
async function load(place: Workplace, editor: Editor, file: File, at: Point): Promise<boolean> {
  const types = Object.values(editor.document.getState().catalogue.nodes);
  const loader = loaderOf({ path: file.name, media_type: `${kindOfFile(file.name)}/` }, types);
  if (!loader) return false;
  await attempt(place, async () => {
    const { name } = await upload(file);
    loadFile(editor, loader, name, at);
    place.tell(t("tell.uploaded", { name }));
  });
  return true;
}

/** The place on the graph under a point of the window; the middle of the view for one outside of it. */
function placeOf(editor: Editor, [x, y]: Point): Point {
  const { viewport, size } = editor.view.getState();
  const box = document.querySelector(".graph")?.getBoundingClientRect();
  const inside = box && x > box.left && x < box.right && y > box.top && y < box.bottom;
  return toGraph(viewport, inside ? [x - box.left, y - box.top] : [size[0] / 2, size[1] / 2]);
}
