/** Draws the widget that the catalogue names. */
import { ChoiceKnob } from "./ChoiceKnob";
import { ColorKnob } from "./ColorKnob";
import { FileKnob } from "./FileKnob";
import { NumberKnob } from "./NumberKnob";
import { SeedKnob, type SeedProps } from "./SeedKnob";
import { TextKnob } from "./TextKnob";
import { ToggleKnob } from "./ToggleKnob";

export function Knob({ isRandom, onRandom, ...props }: SeedProps) {
  switch (props.socket.widget?.kind) {
    case "number":
    case "slider":
      return <NumberKnob {...props} />;
    case "seed":
      return <SeedKnob {...props} isRandom={isRandom} onRandom={onRandom} />;
    case "choice":
      return <ChoiceKnob {...props} />;
    case "toggle":
      return <ToggleKnob {...props} />;
    case "color":
      return <ColorKnob {...props} />;
    case "file":
      return <FileKnob {...props} />;
    default:
      return <TextKnob {...props} />;
  }
}
