import { type ReactNode, useEffect, useRef, useState } from "react";
import { useSession } from "../editor/context";
import type { PackWidget } from "../graph/catalogue";
import { t } from "../i18n";
import { type PackKnob as Knob, type Mounted, widgetIn } from "./pack";
import { effective, type KnobProps } from "./types";

type PackKnobProps = KnobProps & {
  readonly widget: PackWidget;
  /** What is drawn while the pack's widget is not there, and for ever when it cannot be. */
  readonly fallback: ReactNode;
};

/** A widget that the node's pack draws. Whatever goes wrong in it, a plain field takes its place and says what. */
export function PackKnob({ widget, fallback, ...props }: PackKnobProps) {
  const { services } = useSession();
  const place = useRef<HTMLDivElement>(null);
  const mounted = useRef<Mounted | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const knob = useKnob(widget, props);
  const latest = useRef(knob);
  latest.current = knob;
  const { pack } = props.node;

  useEffect(() => {
    let gone = false;
    const fail = (error: unknown) => !gone && setTrouble(error instanceof Error ? error.message : String(error));
    services
      .packScript(pack)
      .then((module) => {
        if (gone || !place.current) return;
        mounted.current = widgetIn(module, widget.name).mount(place.current, latest.current) ?? {};
      })
      .catch(fail);
    return () => {
      gone = true;
      attempt(() => mounted.current?.unmount?.(), services.tell);
      mounted.current = null;
    };
  }, [services, pack, widget.name]);

  useEffect(() => {
    try {
      mounted.current?.update?.(knob);
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
    }
  }, [knob]);

  if (trouble !== null)
    return (
      <div className="pack-fallback">
        {fallback}
        <p title={trouble}>{t("widget.pack_trouble", { pack, reason: trouble })}</p>
      </div>
    );
  return <div ref={place} className="pack-widget nodrag nowheel" style={{ height: widget.height }} />;
}

/** What the widget is given; another object only when something in it is another. */
function useKnob(widget: PackWidget, props: KnobProps): Knob {
  const theme = useTheme();
  const value = effective(props);
  const change = useRef(props.onChange);
  change.current = props.onChange;
  const known = useRef<Knob | null>(null);
  const last = known.current;
  if (!last || last.value !== value || last.problem !== props.problem || last.theme !== theme)
    known.current = {
      id: props.id,
      label: props.label,
      value,
      onChange: (next) => change.current(next),
      problem: props.problem,
      socket: props.socket,
      options: widget.options,
      theme,
    };
  return known.current as Knob;
}

function useTheme(): "dark" | "light" {
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => {
    const watcher = new MutationObserver(() => setTheme(readTheme()));
    watcher.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => watcher.disconnect();
  }, []);
  return theme;
}

function readTheme(): "dark" | "light" {
  return document.documentElement.dataset["theme"] === "light" ? "light" : "dark";
}

function attempt(act: () => void, tell: (message: string, kind: "error") => void): void {
  try {
    act();
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error), "error");
  }
}
