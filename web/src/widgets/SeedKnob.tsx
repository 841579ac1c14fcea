import { Dices, Lock } from "lucide-react";
import { t } from "../i18n";
import { NumberKnob } from "./NumberKnob";
import { limitsOf } from "./number";
import { newSeed } from "./seed";
import type { KnobProps } from "./types";

export type SeedProps = KnobProps & { readonly isRandom: boolean; readonly onRandom: (random: boolean) => void };

/** A seed: its number, a die for a new one, and whether each run draws its own. */
export function SeedKnob({ isRandom, onRandom, ...props }: SeedProps) {
  const text = isRandom ? t("widget.seed_random") : t("widget.seed_fixed");
  return (
    <div className="seed">
      <NumberKnob {...props} />
      <button
        type="button"
        className="icon-button small nodrag"
        title={t("widget.random")}
        aria-label={t("widget.random")}
        onClick={() => props.onChange(newSeed(limitsOf(props.socket)))}
      >
        <Dices size={14} />
      </button>
      <button
        type="button"
        className="icon-button small nodrag"
        aria-pressed={!isRandom}
        title={text}
        aria-label={text}
        onClick={() => onRandom(!isRandom)}
      >
        <Lock size={13} />
      </button>
    </div>
  );
}
