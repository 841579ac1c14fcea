import { AlertTriangle, ChevronDown, ChevronRight, LogIn, Pin } from "lucide-react";
import { useEditor, useView } from "../../editor/context";
import type { NodeDefinition } from "../../graph/catalogue";
import type { NodeInstance } from "../../graph/document";
import { setField } from "../../graph/edits";
import { subgraphOf } from "../../graph/scopes";
import { renameNode } from "../../graph/subgraphs";
import { t } from "../../i18n";
import type { NodeRun } from "../../run/state";
import { CategoryIcon } from "../CategoryIcon";
import { useCanvas } from "../context";
import { mainType } from "../mainType";
import { HEADER } from "../shape";
import { TitleField } from "../TitleField";
import { Progress, RunBadge, WarningBadge } from "./badges";

type HeaderProps = {
  readonly id: string;
  readonly node: NodeInstance;
  readonly definition: NodeDefinition;
  readonly run: NodeRun | undefined;
  readonly known: boolean;
  readonly problem: string | null;
};

/** The head of a node: its name, how it stands, and what folds it. */
export function NodeHeader({ id, node, definition, run, known, problem }: HeaderProps) {
  const editor = useEditor();
  const { colorOf } = useCanvas();
  const renaming = useView((view) => view.renaming === id);
  const help = known ? definition.help : t("node.unknown_help", { type: node.type });
  const rename = (title: string | null) => {
    editor.view.setState({ renaming: null });
    if (title !== null) editor.edit((workflow, path) => renameNode(workflow, path, id, title));
  };
  const expand = () =>
    editor.edit((workflow, path) => setField(workflow, path, [id], "collapsed", node.collapsed ? undefined : true));
  return (
    <header style={{ height: HEADER }} title={help}>
      <button
        type="button"
        className="node-fold nodrag"
        aria-label={node.collapsed ? t("node.expand") : t("cmd.collapse")}
        aria-expanded={!node.collapsed}
        onClick={expand}
      >
        <CategoryIcon definition={definition} color={colorOf(mainType(definition))} />
        {node.collapsed ? <ChevronRight size={15} /> : <ChevronDown size={15} />}
      </button>
      {renaming ? (
        <TitleField title={node.title ?? definition.title} onDone={rename} />
      ) : (
        <h3 onDoubleClick={() => editor.view.setState({ renaming: id })}>{node.title || definition.title}</h3>
      )}
      {node.pinned && <Pin size={12} className="node-pin" aria-label={t("node.pinned")} />}
      {subgraphOf(node) !== undefined && known && (
        <button
          type="button"
          className="node-open nodrag"
          title={t("subgraph.open")}
          aria-label={t("subgraph.open")}
          onClick={() => editor.enter(id)}
        >
          <LogIn size={13} />
        </button>
      )}
      {node.mode && node.mode !== "run" && (
        <span className="node-tag">{t(node.mode === "mute" ? "node.muted" : "node.bypassed")}</span>
      )}
      {!known && <span className="node-tag warn">{t("node.unknown")}</span>}
      {problem !== null && (
        <span className="node-badge bad" title={problem}>
          <AlertTriangle size={14} aria-label={problem} />
        </span>
      )}
      <WarningBadge run={run} />
      <RunBadge id={id} run={run} />
      {run?.state === "running" && <Progress run={run} />}
    </header>
  );
}
