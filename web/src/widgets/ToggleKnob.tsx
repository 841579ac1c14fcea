import { effective, type KnobProps } from "./types";

/** On or off. */
export function ToggleKnob(props: KnobProps) {
  const on = effective(props) === true;
  return (
    <div className="field toggle nodrag">
      <label htmlFor={props.id}>{props.label}</label>
      <button type="button" id={props.id} role="switch" aria-checked={on} onClick={() => props.onChange(!on)}>
        <span className="toggle-thumb" />
      </button>
    </div>
  );
}
