import { ChevronLeft, ChevronRight } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { evaluate } from "./expression";
import { format, type Limits, limitsOf, settle } from "./number";
import { effective, type KnobProps } from "./types";

/** Pixels that the pointer may move before a press becomes a drag. */
const SLACK = 3;

/** A number: drag it sideways, type into it (arithmetic too), or use the arrow keys. A slider shows its share as a bar. */
export function NumberKnob(props: KnobProps) {
  const limits = limitsOf(props.socket);
  const value = effective(props);
  const number = typeof value === "number" ? value : 0;
  const [draft, setDraft] = useState<string | null>(null);
  const before = useRef(props.value);
  const input = useRef<HTMLInputElement>(null);
  const isSlider = props.socket.widget?.kind === "slider";
  const scrub = useScrub(number, limits, isSlider, props.onChange, () => input.current);

  function type(text: string) {
    if (draft === null) before.current = props.value;
    setDraft(text);
    const typed = evaluate(text);
    if (typed !== null) props.onChange(typed);
  }

  function nudge(event: KeyboardEvent, direction: number) {
    event.preventDefault();
    setDraft(null);
    props.onChange(settle(number + direction * limits.step * (event.shiftKey ? 10 : 1), limits));
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    if (event.key === "ArrowUp") nudge(event, 1);
    else if (event.key === "ArrowDown") nudge(event, -1);
    else if (event.key === "Escape") putBack();
    if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
  }

  function putBack() {
    if (draft !== null && props.value !== before.current) props.onChange(before.current);
    setDraft(null);
  }

  const share = isSlider ? (number - limits.min) / (limits.max - limits.min) : 0;
  return (
    <div className={`field number nodrag ${isSlider ? "slider" : ""}`} data-invalid={props.problem !== null} {...scrub}>
      {isSlider && <div className="field-bar" style={{ width: `${Math.min(Math.max(share, 0), 1) * 100}%` }} />}
      <button
        type="button"
        className="field-step"
        tabIndex={-1}
        aria-hidden
        onClick={() => props.onChange(settle(number - limits.step, limits))}
      >
        <ChevronLeft size={12} />
      </button>
      <label htmlFor={props.id}>{props.label}</label>
      <input
        ref={input}
        id={props.id}
        role="spinbutton"
        aria-valuenow={number}
        aria-invalid={props.problem !== null}
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        value={draft ?? format(value)}
        onChange={(event) => type(event.target.value)}
        onFocus={(event) => event.target.select()}
        onBlur={() => setDraft(null)}
        onKeyDown={onKeyDown}
      />
      {limits.unit && <span className="field-unit">{limits.unit}</span>}
      <button
        type="button"
        className="field-step"
        tabIndex={-1}
        aria-hidden
        onClick={() => props.onChange(settle(number + limits.step, limits))}
      >
        <ChevronRight size={12} />
      </button>
    </div>
  );
}

/** Handlers that turn a sideways drag into values, and a press without one into typing. */
function useScrub(
  value: number,
  limits: Limits,
  isSlider: boolean,
  onChange: (value: number) => void,
  field: () => HTMLInputElement | null,
) {
  const press = useRef<{ x: number; value: number; moved: boolean } | null>(null);

  function onPointerDown(event: PointerEvent<HTMLElement>) {
    const typing = document.activeElement === field() && event.target === field();
    if (event.button !== 0 || typing || (event.target as Element).closest("button")) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    press.current = { x: event.clientX, value, moved: false };
  }

  function onPointerMove(event: PointerEvent<HTMLElement>) {
    const start = press.current;
    if (!start) return;
    const dx = event.clientX - start.x;
    if (!start.moved && Math.abs(dx) < SLACK) return;
    start.moved = true;
    const box = event.currentTarget.getBoundingClientRect();
    // A slider follows the pointer over its width; a number moves by steps, four pixels each.
    const range = isSlider ? ((limits.max - limits.min) * dx) / box.width : (dx / 4) * limits.step;
    onChange(settle(start.value + range * (event.shiftKey ? 0.1 : 1), limits));
  }

  function onPointerUp() {
    const start = press.current;
    press.current = null;
    if (start && !start.moved) field()?.focus();
  }

  return { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp };
}
