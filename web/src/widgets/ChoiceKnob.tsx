import { ChevronDown } from "lucide-react";
import { effective, type KnobProps } from "./types";

/** One of a few values, in the system's own menu: it opens fast, is searched by typing, and is read aloud. */
export function ChoiceKnob(props: KnobProps) {
  const widget = props.socket.widget;
  const options = widget?.kind === "choice" ? widget.options : [];
  const value = effective(props);
  const chosen = options.findIndex((option) => Object.is(option, value));
  return (
    <div className="field choice nodrag" data-invalid={props.problem !== null}>
      <label htmlFor={props.id}>{props.label}</label>
      <select
        id={props.id}
        value={chosen}
        aria-invalid={props.problem !== null}
        onChange={(event) => props.onChange(options[Number(event.target.value)])}
      >
        {chosen < 0 && <option value={-1}>{String(value ?? "")}</option>}
        {options.map((option, index) => (
          <option key={option} value={index}>
            {option}
          </option>
        ))}
      </select>
      <ChevronDown size={12} aria-hidden />
    </div>
  );
}
