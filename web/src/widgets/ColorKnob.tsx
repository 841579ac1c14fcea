import { effective, type KnobProps } from "./types";

/** A color: the system's picker, and its digits to type. */
export function ColorKnob(props: KnobProps) {
  const value = effective(props);
  const text = typeof value === "string" ? value : "";
  return (
    <div className="field line nodrag" data-invalid={props.problem !== null}>
      <label htmlFor={props.id}>{props.label}</label>
      <input
        id={props.id}
        value={text}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => props.onChange(event.target.value)}
      />
      <input
        type="color"
        className="swatch"
        aria-label={props.label}
        value={/^#[0-9a-f]{6}$/i.test(text) ? text : "#000000"}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </div>
  );
}
