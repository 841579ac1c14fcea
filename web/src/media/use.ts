/** Going on with a result: a node that loads the file, beside the one that made it. */
import type { Session } from "../editor/context";
import type { Editor } from "../editor/store";
import type { NodeDefinition } from "../graph/catalogue";
import { nodesOf, type Point } from "../graph/document";
import { addNode, setInput, together } from "../graph/edits";
import { applyPatches } from "../graph/patch";
import type { Artifact } from "../run/events";

const OUTPUTS: { readonly [kind: string]: string } = { video: "Clip", image: "Image", audio: "Audio" };
const ASIDE = 340;

/** A node type, and its input that takes the name of a file. */
type Loader = { readonly definition: NodeDefinition; readonly input: string };

/** The node type that loads files like this one, and the name of its file input; null when there is none. */
export function loaderOf(
  artifact: Pick<Artifact, "path" | "media_type">,
  types: Iterable<NodeDefinition>,
): Loader | null {
  const name = artifact.path.toLowerCase();
  const wanted = OUTPUTS[artifact.media_type.split("/")[0] ?? ""];
  const found: Loader[] = [];
  for (const definition of types)
    for (const { name: input, widget } of definition.inputs)
      if (widget?.kind === "file" && widget.root === "uploads" && widget.extensions.some((end) => name.endsWith(end)))
        found.push({ definition, input });
  return found.find(({ definition }) => definition.outputs[0]?.type === wanted) ?? found[0] ?? null;
}

/**
 * Add a node that loads a result, to the right of the node that made it. The file is copied as it is, on the server.
 *
 * @returns The new node's id; null when no node type loads such files.
 */
export async function loadResult(
  { editor, services }: Pick<Session, "editor" | "services">,
  maker: string,
  artifact: Artifact,
): Promise<string | null> {
  const loader = loaderOf(artifact, Object.values(editor.document.getState().catalogue.nodes));
  if (!loader) return null;
  const file = await services.keepAsUpload(artifact.digest);
  const [x, y] = nodesOf(editor.scope)[maker]?.at ?? [0, 0];
  return loadFile(editor, loader, file, [x + ASIDE, y]);
}

/** Add a node that loads an uploaded file, as one step. Returns its id. */
export function loadFile(editor: Editor, { definition, input }: Loader, file: string, at: Point): string {
  const { edit, id } = addNode(editor.workflow, editor.path, definition, at);
  const { document } = applyPatches(editor.workflow, edit.patches);
  const filled = setInput(document, editor.path, { node: id, input }, file);
  editor.perform(together("use_as_input", [edit, filled], file));
  editor.select([id]);
  return id;
}
