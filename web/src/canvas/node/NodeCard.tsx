import { memo } from "react";
import { useDocument } from "../../editor/context";
import { nodesOf, scopeAt } from "../../graph/document";
import { subgraphOf } from "../../graph/scopes";
import { t } from "../../i18n";
import { faceOf } from "../faces";
import { linksInWords, nodeName } from "../keyboard/say";
import { useFocusWanted } from "../keyboard/useFocusWanted";
import { useNodeRun, usePlanStep } from "../nodeRun";
import { useNodeProblems } from "../problems";
import { definitionOf, type Row, shapeOf } from "../shape";
import { CollapsedPorts } from "./CollapsedPorts";
import { NodeHeader } from "./NodeHeader";
import { NodeRow } from "./NodeRow";
import { ResizeHandle } from "./ResizeHandle";

/** One node, drawn row by row as `shape` lays it out. */
export const NodeCard = memo(function NodeCard({ id }: { readonly id: string }) {
  const node = useDocument((state) => nodesOf(scopeAt(state.history.document, state.scope))[id]);
  const definition = useDocument((state) =>
    definitionOf(scopeAt(state.history.document, state.scope), state.definitions, id),
  );
  const known = useDocument((state) => node !== undefined && state.definitions(node.type) !== undefined);
  const run = useNodeRun(id);
  const step = usePlanStep(id);
  const selected = useDocument((state) => state.selection.has(id));
  const problems = useNodeProblems(id);
  const links = useDocument((state) =>
    linksInWords(scopeAt(state.history.document, state.scope), state.definitions, id),
  );
  const element = useFocusWanted(id);
  if (!node) return null;
  const shape = shapeOf(node, definition, faceOf(run));
  const state = problems.size > 0 || run?.state === "failed" ? "failed" : (run?.state ?? "idle");
  return (
    <article
      ref={element}
      className="node"
      tabIndex={-1}
      data-card={id}
      data-node={id}
      data-state={state}
      data-stale={run?.stale ?? false}
      data-mode={node.mode ?? "run"}
      data-selected={selected}
      data-unknown={!known}
      data-tinted={node.color !== undefined}
      data-subgraph={subgraphOf(node) !== undefined}
      aria-label={nodeName(node, definition, { run, step, problems })}
      aria-roledescription={t("say.node")}
      aria-description={links}
      style={
        {
          width: shape.width,
          height: shape.height,
          ...(node.color ? { "--node-tint": node.color } : {}),
        } as React.CSSProperties
      }
    >
      <NodeHeader
        id={id}
        node={node}
        definition={definition}
        run={run}
        known={known}
        problem={problems.get("") ?? null}
      />
      {shape.rows.length > 0 && (
        <div className="node-body">
          {shape.rows.map((row) => (
            <NodeRow key={rowKey(row)} id={id} node={node} row={row} run={run} problems={problems} />
          ))}
        </div>
      )}
      {!node.collapsed && !node.pinned && <ResizeHandle id={id} size={[shape.width, shape.height]} />}
      {node.collapsed && <CollapsedPorts id={id} node={node} definition={definition} />}
    </article>
  );
});

function rowKey(row: Row): string {
  if (row.kind === "ports") return `ports ${row.input?.name} ${row.output?.name}`;
  return row.kind === "knob" ? `knob ${row.socket.name}` : row.kind;
}
