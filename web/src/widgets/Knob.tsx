/** Draws the widget that the catalogue names. */
import { ChoiceKnob } from "./ChoiceKnob";
import { ColorKnob } from "./ColorKnob";
import { FileKnob } from "./FileKnob";
import { NumberKnob } from "./NumberKnob";
import { PackKnob } from "./PackKnob";
import { SeedKnob } from "./SeedKnob";
import { TextKnob } from "./TextKnob";
import { ToggleKnob } from "./ToggleKnob";
import { TrimKnob } from "./TrimKnob";
import type { KnobProps } from "./types";

export function Knob(props: KnobProps) {
  const widget = props.socket.widget;
  switch (widget?.kind) {
    case "number":
    case "slider":
      return <NumberKnob {...props} />;
    case "seed":
      return <SeedKnob {...props} />;
    case "trim":
      return <TrimKnob {...props} />;
    case "choice":
      return <ChoiceKnob {...props} />;
    case "toggle":
      return <ToggleKnob {...props} />;
    case "color":
      return <ColorKnob {...props} />;
    case "file":
      return <FileKnob {...props} />;
    case "pack":
      return <PackKnob key={widget.name} {...props} widget={widget} fallback={<PlainKnob {...props} />} />;
    default:
      return <TextKnob {...props} />;
  }
}

/** The field that the knob's type has by itself. */
function PlainKnob(props: KnobProps) {
  if (props.socket.type === "bool") return <ToggleKnob {...props} />;
  return props.socket.type === "int" || props.socket.type === "float" ? (
    <NumberKnob {...props} />
  ) : (
    <TextKnob {...props} />
  );
}
