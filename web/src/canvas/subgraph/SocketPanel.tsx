import { ChevronDown, ChevronUp, EyeOff } from "lucide-react";
import { useState } from "react";
import { useDocument, useEditor } from "../../editor/context";
import { type Side, scopeAt } from "../../graph/document";
import { hideExposed, moveExposed, renameExposed } from "../../graph/exposed";
import { t } from "../../i18n";
import { useCanvas } from "../context";

/** The inputs and outputs of the open subgraph: their names outside, their order, and hiding them again. */
export function SocketPanel() {
  const inside = useDocument((state) => state.scope.length > 0);
  if (!inside) return null;
  return (
    <section className="socket-panel" aria-label={t("subgraph.sockets")}>
      <Sockets side="inputs" />
      <Sockets side="outputs" />
    </section>
  );
}

function Sockets({ side }: { readonly side: Side }) {
  const canvas = useCanvas();
  const exposed = useDocument((state) => scopeAt(state.history.document, state.scope)[side]);
  const definition = useDocument((state) => state.definitions(`subgraph/${state.scope[1]}`));
  const names = Object.keys(exposed ?? {});
  return (
    <>
      <h4>{t(side === "inputs" ? "subgraph.inputs" : "subgraph.outputs")}</h4>
      {names.length === 0 && <p>{t("subgraph.none")}</p>}
      <ol>
        {names.map((name, index) => {
          const type = definition?.[side].find((socket) => socket.name === name)?.type ?? "any";
          return (
            <li key={name} title={type}>
              <i style={{ background: canvas.colorOf(type) }} />
              <NameField side={side} name={name} />
              <SocketButtons side={side} name={name} index={index} count={names.length} />
            </li>
          );
        })}
      </ol>
    </>
  );
}

function NameField({ side, name }: { readonly side: Side; readonly name: string }) {
  const editor = useEditor();
  const [text, setText] = useState(name);
  const take = () => {
    editor.edit((workflow, path) => renameExposed(workflow, path, side, name, text));
    setText(name);
  };
  return (
    <input
      value={text}
      aria-label={t("subgraph.name")}
      spellCheck={false}
      onChange={(event) => setText(event.target.value)}
      onBlur={take}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") setText(name);
        event.stopPropagation();
      }}
    />
  );
}

type ButtonsProps = { readonly side: Side; readonly name: string; readonly index: number; readonly count: number };

function SocketButtons({ side, name, index, count }: ButtonsProps) {
  const editor = useEditor();
  const move = (by: number) => editor.edit((workflow, path) => moveExposed(workflow, path, side, name, index + by));
  const buttons = [
    { label: t("subgraph.up"), icon: <ChevronUp size={13} />, disabled: index === 0, run: () => move(-1) },
    { label: t("subgraph.down"), icon: <ChevronDown size={13} />, disabled: index === count - 1, run: () => move(1) },
    {
      label: t("subgraph.hide"),
      icon: <EyeOff size={12} />,
      disabled: false,
      run: () => editor.edit((workflow, path) => hideExposed(workflow, path, side, name)),
    },
  ];
  return buttons.map(({ label, icon, disabled, run }) => (
    <button
      key={label}
      type="button"
      className="icon-button small"
      title={label}
      aria-label={`${label}: ${name}`}
      disabled={disabled}
      onClick={run}
    >
      {icon}
    </button>
  ));
}
