import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { useEditor } from "../editor/context";
import { isArea } from "../graph/catalogue";
import { t } from "../i18n";
import { effective, type KnobProps } from "./types";

/** A line of text, or an area for prompts, which grows with what is typed until someone drags it to a height. */
export function TextKnob(props: KnobProps) {
  const widget = props.socket.widget;
  const placeholder = widget?.kind === "text" ? (widget.placeholder ?? "") : "";
  const value = effective(props);
  const shared = {
    id: props.id,
    value: typeof value === "string" ? value : "",
    placeholder,
    "aria-invalid": props.problem !== null,
  };
  if (isArea(props.socket))
    return (
      <div className="field area nodrag nowheel" data-invalid={props.problem !== null}>
        <label htmlFor={props.id}>{props.label}</label>
        <textarea {...shared} spellCheck onChange={(event) => props.onChange(event.target.value)} />
        <Grip onResize={props.node.resize} />
      </div>
    );
  return (
    <div className="field line nodrag" data-invalid={props.problem !== null}>
      <label htmlFor={props.id}>{props.label}</label>
      <input
        {...shared}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => props.onChange(event.target.value)}
      />
    </div>
  );
}

const KEY_STEP = 17;

/** The lower edge of a text area: drag it, or use the arrow keys; a double click lets the text decide again. */
function Grip({ onResize }: { readonly onResize: (pixels: number | null) => void }) {
  const editor = useEditor();
  const last = useRef<number | null>(null);

  function onPointerDown(event: PointerEvent<HTMLElement>) {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    last.current = event.clientY;
  }

  function onPointerMove(event: PointerEvent<HTMLElement>) {
    if (last.current === null) return;
    const moved = (event.clientY - last.current) / editor.view.getState().viewport.zoom;
    if (Math.abs(moved) < 1) return;
    last.current = event.clientY;
    onResize(moved);
  }

  function onPointerUp() {
    last.current = null;
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown") onResize(KEY_STEP);
    else if (event.key === "ArrowUp") onResize(-KEY_STEP);
    else if (event.key === "Home") onResize(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <button
      type="button"
      className="area-grip nodrag"
      title={t("widget.resize")}
      aria-label={t("widget.resize")}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
      onDoubleClick={() => onResize(null)}
      onKeyDown={onKeyDown}
    />
  );
}
