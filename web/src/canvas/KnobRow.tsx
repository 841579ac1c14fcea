import { memo, useMemo } from "react";
import { useDocument, useSession } from "../editor/context";
import { type InputSocket, isNumeric } from "../graph/catalogue";
import { inputsOf, isLink, type Json, type NodeInstance, nodesOf, scopeAt } from "../graph/document";
import { seedMode, setHeight, setInput, setSeedMode } from "../graph/edits";
import { refuseConstant } from "../graph/limits";
import { t, tDynamic } from "../i18n";
import { Knob } from "../widgets/Knob";
import { sayValue } from "../widgets/sayValue";
import type { KnobNode } from "../widgets/types";
import { useCanvas } from "./context";
import { heldBy, LEAST_AREA, MOST_AREA } from "./knobHeight";
import { useNodeRun } from "./nodeRun";
import { Port } from "./Port";
import { words } from "./words";

type KnobRowProps = {
  readonly id: string;
  readonly node: NodeInstance;
  readonly socket: InputSocket;
  readonly height: number;
  readonly problem: string | null;
};

/** A knob with its port: a widget, or where its value comes from while it is linked. */
export const KnobRow = memo(function KnobRow({ id, node, socket, height, problem }: KnobRowProps) {
  const { editor } = useSession();
  const value = inputsOf(node)[socket.name];
  const linked = isLink(value);
  const refusal = linked ? null : refuseConstant(socket, value);
  const shown = refusal ? tDynamic(`limit.${refusal.code}`, { limit: refusal.limit }) : problem;
  const knobNode = useKnobNode(id, node, socket.name, height);
  const onChange = (next: Json | undefined) =>
    editor.edit((workflow, path) => setInput(workflow, path, { node: id, input: socket.name }, next));
  return (
    <div className="row knob" style={{ height }} title={helpOf(socket)}>
      <Port
        side="input"
        node={id}
        name={socket.name}
        type={socket.type}
        help=""
        linked={linked}
        fault={shown !== null}
      />
      {linked ? (
        <LinkedKnob label={words(socket.name)} source={value.link[0]} output={value.link[1]} type={socket.type} />
      ) : (
        <Knob
          socket={socket}
          id={`${id}.${socket.name}`}
          label={words(socket.name)}
          value={value}
          onChange={onChange}
          problem={shown}
          node={knobNode}
        />
      )}
      {shown !== null && !linked && <span className="knob-problem">{shown}</span>}
    </div>
  );
});

/** What a widget may know and do of its node. */
function useKnobNode(id: string, node: NodeInstance, input: string, height: number): KnobNode {
  const { editor, services } = useSession();
  const definition = useDocument((state) => state.definitions(node.type));
  return useMemo(() => {
    const end = { node: id, input };
    return {
      pack: definition?.source?.pack ?? "",
      valueOf: (name) => {
        const socket = definition?.inputs.find((entry) => entry.name === name);
        return socket && heldBy(node, socket);
      },
      setInput: (name, value) =>
        editor.edit((workflow, path) => setInput(workflow, path, { node: id, input: name }, value)),
      seedMode: seedMode(node, input),
      setSeedMode: (mode) => editor.edit((workflow, path) => setSeedMode(workflow, path, end, mode)),
      usedSeeds: () => services.usedSeeds(editor.path, id, input),
      resize: (pixels) => {
        const next =
          pixels === null ? undefined : Math.min(Math.max(Math.round(height + pixels), LEAST_AREA), MOST_AREA);
        editor.edit((workflow, path) => setHeight(workflow, path, end, next));
      },
    };
  }, [editor, services, definition, id, node, input, height]);
}

/** The help of a knob, with the values that it takes. */
function helpOf(socket: InputSocket): string {
  const { widget } = socket;
  if (!isNumeric(widget)) return socket.help;
  const { min, max } = widget;
  const unit = widget.unit ? ` ${widget.unit}` : "";
  const hasMax = max !== undefined && max < Number.MAX_SAFE_INTEGER;
  const range =
    min !== undefined && hasMax
      ? t("widget.range", { min, max, unit })
      : hasMax
        ? t("widget.at_most", { max, unit })
        : min !== undefined
          ? t("widget.at_least", { min, unit })
          : "";
  return [socket.help, range].filter(Boolean).join("\n");
}

type LinkedKnobProps = {
  readonly label: string;
  readonly source: string;
  readonly output: string;
  readonly type: string;
};

/** A knob that is linked: what came through the link in the last run, else where it comes from. */
function LinkedKnob({ label, source, output, type }: LinkedKnobProps) {
  const canvas = useCanvas();
  const title = useDocument((state) => {
    const node = nodesOf(scopeAt(state.history.document, state.scope))[source];
    return node?.title || (node && state.definitions(node.type)?.title) || source;
  });
  const run = useNodeRun(source);
  const value = run && (!run.stale || run.state === "running") ? run.outputs[output] : undefined;
  const from = t("node.linked_from", { name: title });
  const said = sayValue(value);
  return (
    <div className="field linked" style={{ "--port": canvas.colorOf(type) } as React.CSSProperties}>
      <span>{label}</span>
      {said === null ? (
        <em title={`${title} · ${output}`}>{from}</em>
      ) : (
        <output title={`${said}\n${from} · ${output}`}>{said}</output>
      )}
    </div>
  );
}
