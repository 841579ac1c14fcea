import {
  AlertTriangle,
  ChevronDown,
  ChevronRight,
  CircleCheck,
  Copy,
  LoaderCircle,
  RefreshCw,
  Zap,
} from "lucide-react";
import { memo, useEffect, useState } from "react";
import { useDocument, useEditor, useRun, useSession, useView } from "../editor/context";
import type { NodeDefinition } from "../graph/catalogue";
import { inputsOf, isLink, type NodeInstance, nodesOf, scopeAt } from "../graph/document";
import { setField } from "../graph/edits";
import { t } from "../i18n";
import type { NodeRun } from "../run/state";
import { CategoryIcon } from "./CategoryIcon";
import { useCanvas } from "./context";
import { faceOf } from "./faces";
import { KnobRow } from "./KnobRow";
import { mainType } from "./mainType";
import { Player } from "./Player";
import { Port } from "./Port";
import { useNodeProblems } from "./problems";
import { definitionOf, HEADER, type Row, shapeOf } from "./shape";
import { words } from "./words";

/** One node, drawn row by row as `shape` lays it out. */
export const NodeCard = memo(function NodeCard({ id }: { readonly id: string }) {
  const node = useDocument((state) => nodesOf(scopeAt(state.history.document, state.scope))[id]);
  const definition = useDocument((state) =>
    definitionOf(scopeAt(state.history.document, state.scope), state.definitions, id),
  );
  const known = useDocument((state) => node !== undefined && state.definitions(node.type) !== undefined);
  const run = useRun((state) => state.nodes[id]);
  const selected = useDocument((state) => state.selection.has(id));
  const problems = useNodeProblems(id);
  if (!node) return null;
  const shape = shapeOf(node, definition, faceOf(run));
  const state = problems.size > 0 || run?.state === "failed" ? "failed" : (run?.state ?? "idle");
  return (
    <article
      className="node"
      data-node={id}
      data-state={state}
      data-mode={node.mode ?? "run"}
      data-selected={selected}
      data-unknown={!known}
      aria-label={node.title || definition.title}
      style={
        {
          width: shape.width,
          height: shape.height,
          ...(node.color ? { "--node-tint": node.color } : {}),
        } as React.CSSProperties
      }
    >
      <Header id={id} node={node} definition={definition} run={run} known={known} problem={problems.get("") ?? null} />
      {shape.rows.length > 0 && (
        <div className="node-body">
          {shape.rows.map((row) => (
            <NodeRow key={rowKey(row)} id={id} node={node} row={row} run={run} problems={problems} />
          ))}
        </div>
      )}
      {node.collapsed && <CollapsedPorts id={id} node={node} definition={definition} />}
    </article>
  );
});

function rowKey(row: Row): string {
  if (row.kind === "ports") return `ports ${row.input?.name} ${row.output?.name}`;
  return row.kind === "knob" ? `knob ${row.socket.name}` : row.kind;
}

type HeaderProps = {
  readonly id: string;
  readonly node: NodeInstance;
  readonly definition: NodeDefinition;
  readonly run: NodeRun | undefined;
  readonly known: boolean;
  readonly problem: string | null;
};

function Header({ id, node, definition, run, known, problem }: HeaderProps) {
  const editor = useEditor();
  const { colorOf } = useCanvas();
  const renaming = useView((view) => view.renaming === id);
  const help = known ? definition.help : t("node.unknown_help", { type: node.type });
  const rename = (title: string | null) => {
    editor.view.setState({ renaming: null });
    if (title !== null)
      editor.edit((workflow, path) => setField(workflow, path, [id], "title", title.trim() || undefined));
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
      {node.mode && node.mode !== "run" && (
        <span className="node-tag">{t(node.mode === "mute" ? "node.muted" : "node.bypassed")}</span>
      )}
      {!known && <span className="node-tag warn">{t("node.unknown")}</span>}
      {problem !== null && (
        <span className="node-badge bad" title={problem}>
          <AlertTriangle size={14} aria-label={problem} />
        </span>
      )}
      <RunBadge id={id} run={run} />
      {run?.state === "running" && <Progress run={run} />}
    </header>
  );
}

function TitleField({ title, onDone }: { title: string; onDone: (title: string | null) => void }) {
  const [text, setText] = useState(title);
  return (
    <input
      className="node-rename nodrag"
      value={text}
      // biome-ignore lint/a11y/noAutofocus: the user has just asked to type here
      autoFocus
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => onDone(text)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") onDone(text);
        if (event.key === "Escape") onDone(null);
      }}
    />
  );
}

/** How the node stands: running, failed, done, from the cache, or done for settings that have changed since. */
function RunBadge({ id, run }: { readonly id: string; readonly run: NodeRun | undefined }) {
  const step = useRun((state) => state.plan?.steps[id]);
  if (run?.state === "running") return <BusyBadge run={run} />;
  if (run?.state === "failed")
    return (
      <span className="node-badge bad">
        <AlertTriangle size={14} aria-label={t("node.failed")} />
      </span>
    );
  if (run && step?.state === "run") {
    const reason = t("node.will_run", { name: step.reason });
    return (
      <span className="node-badge stale" title={reason}>
        <RefreshCw size={12} aria-label={reason} />
      </span>
    );
  }
  if (run?.state === "done") return <DoneBadge run={run} />;
  if (run?.state !== "cached" && step?.state !== "cached") return null;
  return (
    <span className="node-badge" title={t("node.cached")}>
      <Zap size={13} aria-label={t("node.cached")} />
    </span>
  );
}

function BusyBadge({ run }: { readonly run: NodeRun }) {
  return (
    <span className="node-badge busy">
      {run.total ? (
        <span className="node-count">{t("node.progress", { done: run.done, total: run.total })}</span>
      ) : (
        <Elapsed since={run.since} />
      )}
      <LoaderCircle size={13} className="spin" aria-label={t("node.running")} />
    </span>
  );
}

function DoneBadge({ run }: { readonly run: NodeRun }) {
  const worthSaying = run.seconds !== null && run.seconds >= 0.05;
  return (
    <span className="node-badge good">
      {worthSaying && <span className="node-count">{t("node.seconds", { count: run.seconds?.toFixed(1) ?? "" })}</span>}
      <CircleCheck size={13} aria-hidden />
    </span>
  );
}

function Elapsed({ since }: { readonly since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = (now - since) / 1000;
  return seconds < 1 ? null : <span className="node-count">{t("node.seconds", { count: seconds.toFixed(0) })}</span>;
}

function Progress({ run }: { readonly run: NodeRun }) {
  const share = run.total ? run.done / run.total : null;
  return (
    <div
      className="node-progress"
      role="progressbar"
      aria-valuemin={0}
      aria-valuemax={100}
      {...(share === null ? {} : { "aria-valuenow": Math.round(share * 100) })}
    >
      <div
        className={share === null ? "indeterminate" : ""}
        style={share === null ? {} : { width: `${share * 100}%` }}
      />
    </div>
  );
}

type RowProps = {
  readonly id: string;
  readonly node: NodeInstance;
  readonly row: Row;
  readonly run: NodeRun | undefined;
  readonly problems: ReadonlyMap<string, string>;
};

function NodeRow({ id, node, row, run, problems }: RowProps) {
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
      return <MediaRow run={run} height={row.height} what={row.what} />;
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

function FaultRow({
  id,
  run,
  height,
}: {
  readonly id: string;
  readonly run: NodeRun | undefined;
  readonly height: number;
}) {
  const { services } = useSession();
  const [copied, setCopied] = useState(false);
  const fault = run?.fault;
  if (!fault) return null;
  const report = [`${id}: ${fault.message}`, fault.hint, fault.traceback].filter(Boolean).join("\n\n");
  async function copy() {
    await navigator.clipboard.writeText(report);
    setCopied(true);
    services.tell(t("node.copied"));
  }
  return (
    <div className="row fault" style={{ height }} role="alert">
      <div className="fault-text nowheel" title={report}>
        <strong>{fault.message}</strong>
        {fault.hint && <span>{fault.hint}</span>}
      </div>
      <button
        type="button"
        className="icon-button small nodrag"
        title={t("node.copy_report")}
        aria-label={t("node.copy_report")}
        onClick={() => void copy()}
        data-done={copied}
      >
        <Copy size={13} />
      </button>
    </div>
  );
}

function MediaRow({
  run,
  height,
  what,
}: {
  readonly run: NodeRun | undefined;
  readonly height: number;
  readonly what: "player" | "image";
}) {
  const { services } = useSession();
  const artifact = run?.artifacts.at(-1);
  const name = artifact?.path.split("/").at(-1) ?? "";
  const isImage = artifact?.media_type.startsWith("image/");
  const src =
    what === "image"
      ? isImage && artifact
        ? services.artifactUrl(artifact.digest)
        : run?.preview
      : artifact && services.artifactUrl(artifact.digest);
  if (!src) return null;
  return (
    <div className="row media" style={{ height }}>
      {what === "player" ? <Player key={src} src={src} name={name} /> : <img src={src} alt={name} draggable={false} />}
    </div>
  );
}

function CollapsedPorts({
  id,
  node,
  definition,
}: {
  readonly id: string;
  readonly node: NodeInstance;
  readonly definition: NodeDefinition;
}) {
  const linked = definition.inputs.filter((socket) => isLink(inputsOf(node)[socket.name]));
  return (
    <div className="collapsed-ports">
      {linked[0] && <span className="stub in" />}
      {definition.outputs[0] && (
        <Port
          side="output"
          node={id}
          name={definition.outputs[0].name}
          type={definition.outputs[0].type}
          help=""
          linked={false}
        />
      )}
    </div>
  );
}
