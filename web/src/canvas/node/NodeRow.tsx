import { ChevronDown, ChevronRight } from "lucide-react";
import { useEditor } from "../../editor/context";
import { inputsOf, isLink, type NodeInstance } from "../../graph/document";
import { setField } from "../../graph/edits";
import { t } from "../../i18n";
import type { NodeRun } from "../../run/state";
import { KnobRow } from "../KnobRow";
import { Port } from "../Port";
import type { Row } from "../shape";
import { words } from "../words";
import { FaultRow } from "./FaultRow";
import { MediaRow } from "./MediaRow";

type RowProps = {
  readonly id: string;
  readonly node: NodeInstance;
  readonly row: Row;
  readonly run: NodeRun | undefined;
  readonly problems: ReadonlyMap<string, string>;
};

/** One row of a node, by its kind. */
export function NodeRow({ id, node, row, run, problems }: RowProps) {
  switch (row.kind) {
    case "ports":
      return (
        <div className="row ports" style={{ height: row.height }}>
          {row.input && (
            <div className="port-label in">
              <Port
                side="input"
                node={id}
                name={row.input.name}
                type={row.input.type}
                help={row.input.help}
                linked={isLink(inputsOf(node)[row.input.name])}
                fault={problems.has(row.input.name)}
              />
              <span title={problems.get(row.input.name) ?? row.input.help}>{words(row.input.name)}</span>
            </div>
          )}
          {row.output && (
            <div className="port-label out">
              <span title={row.output.help}>{words(row.output.name)}</span>
              <Port
                side="output"
                node={id}
                name={row.output.name}
                type={row.output.type}
                help={row.output.help}
                linked={false}
              />
            </div>
          )}
        </div>
      );
    case "knob":
      return (
        <KnobRow
          id={id}
          node={node}
          socket={row.socket}
          height={row.height}
          problem={problems.get(row.socket.name) ?? null}
        />
      );
    case "advanced":
      return <AdvancedRow id={id} node={node} row={row} />;
    case "fault":
      return <FaultRow id={id} run={run} height={row.height} />;
    case "media":
      return <MediaRow id={id} run={run} height={row.height} what={row.what} />;
  }
}

function AdvancedRow({
  id,
  node,
  row,
}: {
  readonly id: string;
  readonly node: NodeInstance;
  readonly row: Row & { kind: "advanced" };
}) {
  const editor = useEditor();
  const toggle = () =>
    editor.edit((workflow, path) => setField(workflow, path, [id], "advanced", node.advanced ? undefined : true));
  return (
    <div className="row advanced" style={{ height: row.height }}>
      <button type="button" className="nodrag" aria-expanded={row.open} onClick={toggle}>
        {row.open ? <ChevronDown size={12} /> : <ChevronRight size={12} />}
        {row.open ? t("node.advanced_shown") : t("node.advanced")}
        {!row.open && <span>{row.count}</span>}
      </button>
    </div>
  );
}
