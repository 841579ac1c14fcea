import { useMemo } from "react";
import { Picker } from "./Picker";
import { effective, type KnobProps } from "./types";

const NONE: readonly (string | number)[] = [];

/** One of a few values, searched by typing. */
export function ChoiceKnob(props: KnobProps) {
  const widget = props.socket.widget;
  const values = widget?.kind === "choice" ? widget.options : NONE;
  const options = useMemo(() => values.map((value, index) => ({ key: String(index), title: String(value) })), [values]);
  const value = effective(props);
  return (
    <Picker
      id={props.id}
      label={props.label}
      options={options}
      chosen={String(values.findIndex((option) => Object.is(option, value)))}
      shown={String(value ?? "")}
      invalid={props.problem !== null}
      onPick={(key) => props.onChange(values[Number(key)])}
    />
  );
}
