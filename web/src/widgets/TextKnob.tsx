import { isArea } from "../graph/catalogue";
import { effective, type KnobProps } from "./types";

/** A line of text, or an area for prompts. */
export function TextKnob(props: KnobProps) {
  const widget = props.socket.widget;
  const placeholder = widget?.kind === "text" ? (widget.placeholder ?? "") : "";
  const value = effective(props);
  const shared = {
    id: props.id,
    value: typeof value === "string" ? value : "",
    placeholder,
    "aria-invalid": props.problem !== null,
    spellCheck: false,
  };
  if (isArea(props.socket))
    return (
      <div className="field area nodrag nowheel" data-invalid={props.problem !== null}>
        <label htmlFor={props.id}>{props.label}</label>
        <textarea {...shared} onChange={(event) => props.onChange(event.target.value)} />
      </div>
    );
  return (
    <div className="field line nodrag" data-invalid={props.problem !== null}>
      <label htmlFor={props.id}>{props.label}</label>
      <input {...shared} autoComplete="off" onChange={(event) => props.onChange(event.target.value)} />
    </div>
  );
}
