import { memo } from "react";
import { useDocument, useEditor } from "../editor/context";
import type { InputSocket } from "../graph/catalogue";
import { inputsOf, isLink, type Json, type NodeInstance, nodesOf, scopeAt } from "../graph/document";
import { drawsSeed, setField, setInput } from "../graph/edits";
import { refuseConstant } from "../graph/limits";
import { t, tDynamic } from "../i18n";
import { Knob } from "../widgets/Knob";
import { useCanvas } from "./context";
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
  const editor = useEditor();
  const value = inputsOf(node)[socket.name];
  const linked = isLink(value);
  const refusal = linked ? null : refuseConstant(socket, value);
  const shown = refusal ? tDynamic(`limit.${refusal.code}`, { limit: refusal.limit }) : problem;
  const onChange = (next: Json | undefined) =>
    editor.edit((workflow, path) => setInput(workflow, path, { node: id, input: socket.name }, next));
  const onRandom = (random: boolean) => {
    const { [socket.name]: _, ...others } = node.seeds ?? {};
    const seeds = random ? { ...others, [socket.name]: "random" } : others;
    editor.edit((workflow, path) =>
      setField(workflow, path, [id], "seeds", Object.keys(seeds).length > 0 ? seeds : undefined),
    );
  };
  return (
    <div className="row knob" style={{ height }} title={socket.help}>
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
          isRandom={drawsSeed(node, socket.name)}
          onRandom={onRandom}
        />
      )}
      {shown !== null && !linked && <span className="knob-problem">{shown}</span>}
    </div>
  );
});

function LinkedKnob({
  label,
  source,
  output,
  type,
}: {
  readonly label: string;
  readonly source: string;
  readonly output: string;
  readonly type: string;
}) {
  const canvas = useCanvas();
  const title = useDocument((state) => {
    const node = nodesOf(scopeAt(state.history.document, state.scope))[source];
    return node?.title || (node && state.definitions(node.type)?.title) || source;
  });
  return (
    <div className="field linked" style={{ "--port": canvas.colorOf(type) } as React.CSSProperties}>
      <span>{label}</span>
      <em title={`${title} · ${output}`}>{t("node.linked_from", { name: title })}</em>
    </div>
  );
}
