import { Dices, Lock, Minus, Plus, Shuffle } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { UsedSeed } from "../editor/context";
import { useSession } from "../editor/context";
import type { SeedMode } from "../graph/edits";
import { t } from "../i18n";
import { NumberKnob } from "./NumberKnob";
import { limitsOf } from "./number";
import { Popover } from "./Popover";
import { newSeed } from "./seed";
import { effective, type KnobProps } from "./types";

const MODES: readonly SeedMode[] = ["fixed", "random", "increment", "decrement"];
const ICONS = { fixed: Lock, random: Shuffle, increment: Plus, decrement: Minus } as const;

/** A seed: its number, a die for a new one, and what becomes of it with each run; earlier seeds can be taken again. */
export function SeedKnob(props: KnobProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const mode = props.node.seedMode;
  const Icon = ICONS[mode];
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div className="with-buttons">
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
        ref={button}
        type="button"
        className="icon-button small nodrag"
        data-on={mode !== "fixed"}
        aria-expanded={open}
        title={t(`widget.seed_${mode}`)}
        aria-label={t("widget.seed_mode", { mode: t(`widget.seed_${mode}`) })}
        onClick={() => (open ? close() : setOpen(true))}
      >
        <Icon size={13} />
      </button>
      {open && (
        <Popover anchor={button} onClose={close} label={t("widget.seed_menu")}>
          <SeedModes mode={mode} onMode={props.node.setSeedMode} />
          <UsedSeeds
            now={effective(props)}
            ask={props.node.usedSeeds}
            onPick={(seed) => {
              props.onChange(seed);
              props.node.setSeedMode("fixed");
              close();
            }}
          />
        </Popover>
      )}
    </div>
  );
}

function SeedModes({ mode, onMode }: { readonly mode: SeedMode; readonly onMode: (mode: SeedMode) => void }) {
  return (
    <fieldset className="seed-modes">
      <legend>{t("widget.seed_with_each_run")}</legend>
      {MODES.map((entry) => {
        const Icon = ICONS[entry];
        return (
          <label key={entry}>
            <input type="radio" name="seed mode" checked={mode === entry} onChange={() => onMode(entry)} />
            <Icon size={13} aria-hidden />
            {t(`widget.seed_${entry}`)}
          </label>
        );
      })}
    </fieldset>
  );
}

type UsedSeedsProps = {
  readonly now: unknown;
  readonly ask: () => Promise<readonly UsedSeed[]>;
  readonly onPick: (seed: number) => void;
};

/** Seeds of earlier runs, with what came of them. */
function UsedSeeds({ now, ask, onPick }: UsedSeedsProps) {
  const { services } = useSession();
  const [seeds, setSeeds] = useState<readonly UsedSeed[] | null>(null);
  const asked = useRef(ask);
  useEffect(() => {
    let gone = false;
    asked.current().then(
      (found) => !gone && setSeeds(found),
      () => !gone && setSeeds([]),
    );
    return () => {
      gone = true;
    };
  }, []);
  return (
    <section className="used-seeds">
      <h4>{t("widget.seed_history")}</h4>
      {seeds === null && <p aria-busy="true">{t("widget.loading")}</p>}
      {seeds?.length === 0 && <p>{t("widget.seed_no_history")}</p>}
      <ul>
        {seeds?.map(({ seed, at, picture }) => (
          <li key={seed}>
            <button type="button" aria-current={seed === now} onClick={() => onPick(seed)}>
              {picture ? (
                <img
                  src={
                    picture.media_type.startsWith("video/")
                      ? services.stripUrl(services.artifactUrl(picture.digest), 1)
                      : services.artifactUrl(picture.digest)
                  }
                  alt=""
                />
              ) : (
                <span className="no-picture" />
              )}
              <span>{seed}</span>
              <time dateTime={new Date(at * 1000).toISOString()}>
                {new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}
              </time>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
