/** Commands that make subgraphs, go in and out of them, and take them apart. */

import { nodeIds } from "../../canvas/moving";
import { nodesOf } from "../../graph/document";
import { subgraphOf } from "../../graph/scopes";
import { makeIndependent, makeSubgraph, unpackSubgraph } from "../../graph/subgraphs";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

export const SUBGRAPH_COMMANDS: readonly Command[] = [
  command("make_subgraph", "cmd.make_subgraph", ["mod+shift+e"], make),
  command("enter_subgraph", "cmd.enter_subgraph", ["e"], ({ editor }) => {
    const [id] = instances(editor);
    if (id !== undefined) editor.enter(id);
  }),
  command("leave_subgraph", "cmd.leave_subgraph", ["escape"], ({ editor }) => {
    if (editor.document.getState().selection.size > 0) editor.select([]);
    else editor.goInto(editor.trail.slice(0, -1));
  }),
  command("unpack_subgraph", "cmd.unpack_subgraph", ["mod+shift+u"], unpack),
  command("independent", "cmd.independent", [], ({ editor }) => {
    for (const id of instances(editor)) editor.edit((workflow, path) => makeIndependent(workflow, path, id));
  }),
];

/** The selected nodes that are instances of subgraphs. */
export function instances(editor: Workplace["editor"]): string[] {
  return [...nodeIds(editor)].filter((id) => subgraphOf(nodesOf(editor.scope)[id]) !== undefined);
}

function make({ editor, tell }: Workplace): void {
  const made = makeSubgraph(editor.workflow, editor.path, nodeIds(editor), t("subgraph.untitled"));
  if (made.edit) {
    editor.perform(made.edit);
    editor.select([made.id]);
    editor.view.setState({ renaming: made.id });
    return;
  }
  const nodes = nodesOf(editor.scope);
  const names = made.between.map((id) => nodes[id]?.title ?? editor.definitions(nodes[id]?.type ?? "")?.title ?? id);
  if (names.length > 0) tell(t("tell.between", { names: names.join(", ") }), "error");
}

function unpack({ editor }: Workplace): void {
  const ids: string[] = [];
  for (const id of instances(editor)) {
    const done = unpackSubgraph(editor.workflow, editor.path, id);
    if (!done) continue;
    editor.perform(done.edit);
    ids.push(...done.ids);
  }
  if (ids.length > 0) editor.select(ids);
}
