import { ChevronDown, ChevronUp, LocateFixed, X } from "lucide-react";
import { useState } from "react";
import { revealNode } from "../canvas/reveal";
import { useDocument, useEditor } from "../editor/context";
import { type Exposed, inputsOf, isLink, nodesOf, type Side, scopeAt } from "../graph/document";
import { hideExposed, moveExposed, renameExposed, setExposedTitle } from "../graph/exposed";
import { t } from "../i18n";

/** The workflow's named inputs and outputs: what the command line, the API and other workflows set and read. */
export function ExposedList() {
  return (
    <div className="exposed-list">
      <p>{t("exposed.hint")}</p>
      <Names side="inputs" />
      <Names side="outputs" />
    </div>
  );
}

function Names({ side }: { readonly side: Side }) {
  const exposed = useDocument((state) => scopeAt(state.history.document, state.scope)[side]);
  const entries = Object.entries(exposed ?? {});
  return (
    <section aria-label={t(`exposed.${side}`)}>
      <h3>{t(`exposed.${side}`)}</h3>
      {entries.length === 0 && <p>{t(`exposed.no_${side}`)}</p>}
      <ol>
        {entries.map(([name, entry], index) => (
          <Item key={name} side={side} name={name} entry={entry} index={index} count={entries.length} />
        ))}
      </ol>
    </section>
  );
}

type ItemProps = {
  readonly side: Side;
  readonly name: string;
  readonly entry: Exposed;
  readonly index: number;
  readonly count: number;
};

function Item({ side, name, entry, index, count }: ItemProps) {
  const editor = useEditor();
  const socket = (side === "inputs" ? entry.input : entry.output) ?? "";
  const node = useDocument((state) => nodesOf(scopeAt(state.history.document, state.scope))[entry.node]);
  const value = side === "inputs" && node ? inputsOf(node)[socket] : undefined;
  const move = (by: number) => editor.edit((workflow, path) => moveExposed(workflow, path, side, name, index + by));
  return (
    <li>
      <div className="exposed-row">
        <Text
          label={t("exposed.name")}
          text={name}
          onDone={(text) => editor.edit((workflow, path) => renameExposed(workflow, path, side, name, text))}
        />
        <button
          type="button"
          className="icon-button small"
          disabled={index === 0}
          aria-label={t("exposed.up", { name })}
          onClick={() => move(-1)}
        >
          <ChevronUp size={13} />
        </button>
        <button
          type="button"
          className="icon-button small"
          disabled={index === count - 1}
          aria-label={t("exposed.down", { name })}
          onClick={() => move(1)}
        >
          <ChevronDown size={13} />
        </button>
        <button
          type="button"
          className="icon-button small"
          aria-label={t("exposed.show", { name })}
          title={t("exposed.show", { name })}
          onClick={() => revealNode(editor, entry.node)}
        >
          <LocateFixed size={13} />
        </button>
        <button
          type="button"
          className="icon-button small"
          aria-label={t("menu.hide", { name })}
          title={t("menu.hide", { name })}
          onClick={() => editor.edit((workflow, path) => hideExposed(workflow, path, side, name))}
        >
          <X size={13} />
        </button>
      </div>
      <Text
        label={t("exposed.title")}
        text={entry.title ?? ""}
        placeholder={t("exposed.title")}
        onDone={(text) => editor.edit((workflow, path) => setExposedTitle(workflow, path, side, name, text))}
      />
      <span className="exposed-what">
        {entry.node}.{socket}
        {value !== undefined && !isLink(value) && ` = ${JSON.stringify(value)}`}
      </span>
    </li>
  );
}

type TextProps = {
  readonly label: string;
  readonly text: string;
  readonly placeholder?: string;
  readonly onDone: (text: string) => void;
};

/** A field that takes its text when it is left. */
function Text({ label, text, placeholder, onDone }: TextProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const finish = () => {
    if (typed !== null && typed !== text) onDone(typed);
    setTyped(null);
  };
  return (
    <input
      aria-label={label}
      placeholder={placeholder}
      value={typed ?? text}
      spellCheck={false}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") setTyped(null);
      }}
    />
  );
}
