import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { type FileFacts, useSession } from "../editor/context";
import { t } from "../i18n";
import { clock, readRate } from "../media/frames";
import { Filmstrip } from "../media/Strip";
import { useFacts } from "../media/useFacts";
import { Wave } from "../media/Wave";
import { NumberKnob } from "./NumberKnob";
import { knobsOf, moved, type Span, spanOf } from "./trim";
import { effective, type KnobProps } from "./types";

/** Where a part of a file starts: a number, and the file's frames or sound with a handle at either end of the part. */
export function TrimKnob(props: KnobProps) {
  const { services } = useSession();
  const widget = props.socket.widget;
  const file = widget?.kind === "trim" ? props.node.valueOf(widget.file) : undefined;
  const src = typeof file === "string" && file !== "" ? services.uploadUrl(file) : null;
  const facts = useFacts(src);
  return (
    <>
      <NumberKnob {...props} />
      {src !== null && facts && facts.kind !== "unknown" && facts.duration_s > 0 && (
        <Track {...props} src={src} facts={facts} />
      )}
    </>
  );
}

type TrackProps = KnobProps & { readonly src: string; readonly facts: FileFacts };

/** Tiles of the strip; each is about as wide as it is high. */
const TILES = 6;

function Track({ src, facts, ...props }: TrackProps) {
  const track = useRef<HTMLDivElement>(null);
  const widget = props.socket.widget;
  const lengthName = widget?.kind === "trim" ? widget.length : "";
  const length = props.node.valueOf(lengthName);
  const span = spanOf(numberOf(effective(props)), numberOf(length), facts.duration_s);
  const rate = readRate(facts.fps);
  const share = (time: number) => `${(time / facts.duration_s) * 100}%`;

  function set(which: "start" | "end", to: number) {
    const next = knobsOf(moved(span, which, to, facts.duration_s, rate), facts.duration_s);
    // The end stays where it is while the start moves, so the length follows; a length that is linked is not ours.
    if (which === "start") props.onChange(next.start);
    if (length !== undefined) props.node.setInput(lengthName, next.length);
  }

  function timeAt(clientX: number): number {
    const box = track.current?.getBoundingClientRect();
    return box ? ((clientX - box.left) / box.width) * facts.duration_s : 0;
  }

  return (
    <div className="trim nodrag" ref={track}>
      {facts.kind === "video" ? <Filmstrip src={src} facts={facts} count={TILES} /> : <Wave src={src} />}
      <div className="trim-off" style={{ left: 0, width: share(span.start) }} />
      <div className="trim-off" style={{ right: 0, width: share(facts.duration_s - span.end) }} />
      <div className="trim-part" style={{ left: share(span.start), right: share(facts.duration_s - span.end) }} />
      {(["start", "end"] as const).map((which) => (
        <Handle
          key={which}
          which={which}
          span={span}
          facts={facts}
          left={share(span[which])}
          step={rate ? rate.seconds / rate.frames : 0.01}
          timeAt={timeAt}
          onMove={(to) => set(which, to)}
        />
      ))}
    </div>
  );
}

type HandleProps = {
  readonly which: "start" | "end";
  readonly span: Span;
  readonly facts: FileFacts;
  readonly left: string;
  readonly step: number;
  readonly timeAt: (clientX: number) => number;
  readonly onMove: (to: number) => void;
};

/** One end of the part: drag it, or use the arrow keys; Shift is ten frames, Home and End are the file's ends. */
function Handle({ which, span, facts, left, step, timeAt, onMove }: HandleProps) {
  function onPointerDown(event: PointerEvent<HTMLElement>) {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus();
  }

  function onPointerMove(event: PointerEvent<HTMLElement>) {
    if (event.currentTarget.hasPointerCapture(event.pointerId)) onMove(timeAt(event.clientX));
  }

  function onKeyDown(event: KeyboardEvent) {
    const steps = event.shiftKey ? 10 : 1;
    if (event.key === "ArrowLeft") onMove(span[which] - step * steps);
    else if (event.key === "ArrowRight") onMove(span[which] + step * steps);
    else if (event.key === "Home") onMove(0);
    else if (event.key === "End") onMove(facts.duration_s);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div
      className="trim-handle"
      data-which={which}
      role="slider"
      tabIndex={0}
      aria-label={t(`widget.trim_${which}`)}
      aria-valuemin={0}
      aria-valuemax={facts.duration_s}
      aria-valuenow={span[which]}
      aria-valuetext={`${clock(span[which])} s`}
      style={{ left }}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
    >
      <span>{clock(span[which])}</span>
    </div>
  );
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
