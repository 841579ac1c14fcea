import {
  ArrowLeftRight,
  Columns2,
  Diff,
  Pause,
  Play,
  SplitSquareHorizontal,
  StepBack,
  StepForward,
  X,
} from "lucide-react";
import { type KeyboardEvent, type PointerEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { useSession } from "../editor/context";
import { t } from "../i18n";
import type { Artifact } from "../run/events";
import { comparing, type Pair } from "./comparing";
import { timecode } from "./frames";
import { InStep, type Look, type Mode, type Side } from "./inStep";
import { nameOf } from "./Pictures";
import { BarButton } from "./Player";
import { useFacts } from "./useFacts";
import { usePlayback, usePlaybackState } from "./usePlayback";

const MODES: readonly { readonly mode: Mode; readonly icon: ReactNode }[] = [
  { mode: "wipe", icon: <SplitSquareHorizontal size={15} /> },
  { mode: "side", icon: <Columns2 size={15} /> },
  { mode: "difference", icon: <Diff size={15} /> },
];
const GAINS: readonly number[] = [1, 4, 16];

/** Two results in one picture, frame by frame, above everything else. */
export function Compare({ pair }: { readonly pair: Pair }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [one, setOne] = useState<Side | null>(null);
  const [other, setOther] = useState<Side | null>(null);
  const inStep = useInStep(canvas, one, other);
  useEffect(() => dialog.current?.showModal(), []);

  return (
    <dialog
      ref={dialog}
      className="compare"
      tabIndex={-1}
      aria-label={t("compare.title", { one: nameOf(pair[0]), other: nameOf(pair[1]) })}
      onClose={() => comparing.getState().close()}
      onKeyDown={(event) => onKey(event, inStep)}
    >
      <Head pair={pair} inStep={inStep} />
      <div className="compare-stage">
        <Source artifact={pair[0]} onReady={setOne} />
        <Source artifact={pair[1]} onReady={setOther} />
        <div className="compare-picture">
          <canvas ref={canvas} />
          {inStep && <Edge inStep={inStep} />}
        </div>
      </div>
      {inStep?.lead && <Transport inStep={inStep} />}
    </dialog>
  );
}

function useInStep(canvas: React.RefObject<HTMLCanvasElement | null>, one: Side | null, other: Side | null) {
  const [inStep, setInStep] = useState<InStep | null>(null);
  useEffect(() => {
    if (!canvas.current || !one || !other) return;
    const made = new InStep(canvas.current, one, other);
    setInStep(made);
    return () => {
      made.close();
      setInStep(null);
    };
  }, [canvas, one, other]);
  return inStep;
}

function onKey(event: KeyboardEvent, inStep: InStep | null): void {
  event.stopPropagation();
  if (event.ctrlKey || event.metaKey || event.altKey || !inStep) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  // The line of the wipe goes with its mode; keys shall not go to the page behind when it had the focus.
  if (/^[123]$/.test(event.key)) (event.currentTarget as HTMLElement).focus();
  act(inStep, event.shiftKey);
}

const KEYS: { readonly [key: string]: (inStep: InStep, far: boolean) => unknown } = {
  " ": (inStep) => inStep.toggle(),
  ArrowLeft: (inStep, far) => inStep.step(far ? -10 : -1),
  ArrowRight: (inStep, far) => inStep.step(far ? 10 : 1),
  Home: (inStep) => inStep.seek(0),
  End: (inStep) => inStep.seek(inStep.last),
  "1": (inStep) => inStep.look.setState({ mode: "wipe" }),
  "2": (inStep) => inStep.look.setState({ mode: "side" }),
  "3": (inStep) => inStep.look.setState({ mode: "difference" }),
  x: (inStep) => inStep.look.setState(({ swapped }) => ({ swapped: !swapped })),
  g: (inStep) => inStep.look.setState(({ gain }) => ({ gain: GAINS[(GAINS.indexOf(gain) + 1) % GAINS.length] ?? 1 })),
  ",": (inStep) => moveEdge(inStep, -0.02),
  ".": (inStep) => moveEdge(inStep, 0.02),
};

function moveEdge(inStep: InStep, by: number): void {
  inStep.look.setState(({ edge }) => ({ edge: Math.min(Math.max(edge + by, 0), 1) }));
}

/** One of the two files, out of sight: what is seen is drawn from it. */
function Source({ artifact, onReady }: { readonly artifact: Artifact; readonly onReady: (side: Side | null) => void }) {
  const { services } = useSession();
  const src = services.artifactUrl(artifact.digest);
  return artifact.media_type.startsWith("video/") ? (
    <VideoSource src={src} copy={services.playableUrl(src)} name={nameOf(artifact)} onReady={onReady} />
  ) : (
    <img
      className="compare-source"
      src={src}
      alt=""
      onLoad={({ currentTarget: picture }) =>
        onReady({ picture, playback: null, width: picture.naturalWidth, height: picture.naturalHeight })
      }
    />
  );
}

type VideoSourceProps = {
  readonly src: string;
  readonly copy: string;
  readonly name: string;
  readonly onReady: (side: Side | null) => void;
};

function VideoSource({ src, copy, name, onReady }: VideoSourceProps) {
  const { services } = useSession();
  const video = useRef<HTMLVideoElement>(null);
  const facts = useFacts(src);
  const [playable, setPlayable] = useState(true);
  const playback = usePlayback(video, facts?.kind === "video" ? facts : null);
  useEffect(() => {
    const picture = video.current;
    if (!picture || !playback) return;
    const stop = new AbortController();
    const ready = () => onReady({ picture, playback, width: picture.videoWidth, height: picture.videoHeight });
    // Its facts may have come after its first frame, whose event is over then.
    if (picture.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) ready();
    else picture.addEventListener("loadeddata", ready, { signal: stop.signal });
    return () => {
      stop.abort();
      onReady(null);
    };
  }, [playback, onReady]);
  useEffect(() => {
    if (facts?.kind === "unknown") services.tell(t("compare.broken", { name, reason: facts.reason }), "error");
  }, [facts, name, services]);
  return (
    <video
      ref={video}
      className="compare-source"
      src={playable ? src : copy}
      muted
      playsInline
      preload="auto"
      onError={() => (playable ? setPlayable(false) : services.tell(t("media.unplayable"), "error"))}
    />
  );
}

function Head({ pair, inStep }: { readonly pair: Pair; readonly inStep: InStep | null }) {
  const swapped = useLook(inStep, (look) => look.swapped, false);
  const mode = useLook(inStep, (look) => look.mode, "wipe");
  const gain = useLook(inStep, (look) => look.gain, 1);
  const [left, right] = swapped ? [pair[1], pair[0]] : pair;
  return (
    <header>
      <strong data-side="left">{nameOf(left)}</strong>
      <div className="compare-modes" role="radiogroup" aria-label={t("media.compare")}>
        {MODES.map((entry, index) => (
          // biome-ignore lint/a11y/useSemanticElements: buttons that look like buttons, of which one is down
          <button
            key={entry.mode}
            type="button"
            role="radio"
            aria-checked={mode === entry.mode}
            title={`${t(`compare.${entry.mode}`)} (${index + 1})`}
            onClick={() => inStep?.look.setState({ mode: entry.mode })}
          >
            {entry.icon}
            {t(`compare.${entry.mode}`)}
          </button>
        ))}
      </div>
      {mode === "difference" && (
        <button
          type="button"
          className="compare-gain"
          title={`${t("compare.gain")} (G)`}
          aria-label={t("compare.gain")}
          onClick={() => inStep && KEYS["g"]?.(inStep, false)}
        >
          {gain}×
        </button>
      )}
      <BarButton label={`${t("compare.swap")} (X)`} onClick={() => inStep?.look.setState({ swapped: !swapped })}>
        <ArrowLeftRight size={14} />
      </BarButton>
      <strong data-side="right">{nameOf(right)}</strong>
      <BarButton label={t("compare.close")} onClick={() => comparing.getState().close()}>
        <X size={16} />
      </BarButton>
    </header>
  );
}

function useLook<T>(inStep: InStep | null, select: (look: Look) => T, fallback: T): T {
  const [value, setValue] = useState(fallback);
  const chosen = useRef(select);
  chosen.current = select;
  useEffect(() => {
    if (!inStep) return;
    const read = () => setValue(chosen.current(inStep.look.getState()));
    read();
    return inStep.look.subscribe(read);
  }, [inStep]);
  return value;
}

/** Where the one picture ends and the other begins: drag anywhere in the picture, or use the arrow keys on the line. */
function Edge({ inStep }: { readonly inStep: InStep }) {
  const { mode, edge } = useStore(inStep.look);
  if (mode !== "wipe") return null;

  function follow(event: PointerEvent<HTMLElement>) {
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    inStep.look.setState({ edge: Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) });
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    event.stopPropagation();
    moveEdge(inStep, event.key === "ArrowLeft" ? -0.02 : 0.02);
  }

  return (
    <div className="compare-wipe" onPointerDown={follow} onPointerMove={follow}>
      <div
        role="slider"
        tabIndex={0}
        aria-label={t("compare.edge")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(edge * 100)}
        style={{ left: `${edge * 100}%` }}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

function Transport({ inStep }: { readonly inStep: InStep }) {
  const { frame, partner } = useStore(inStep.seen);
  const playing = usePlaybackState(inStep.lead, (state) => state.playing);
  const count = inStep.lead?.count ?? 1;
  return (
    <footer data-frame={frame} data-partner={partner}>
      <BarButton label={t(playing ? "media.pause" : "media.play")} onClick={() => void inStep.toggle()}>
        {playing ? <Pause size={15} /> : <Play size={15} />}
      </BarButton>
      <BarButton label={t("media.back")} onClick={() => void inStep.step(-1)}>
        <StepBack size={14} />
      </BarButton>
      <BarButton label={t("media.forward")} onClick={() => void inStep.step(1)}>
        <StepForward size={14} />
      </BarButton>
      <input
        type="range"
        min={0}
        max={inStep.last}
        value={frame}
        aria-label={t("media.position")}
        onChange={(event) => void inStep.seek(Number(event.target.value))}
      />
      <span className="player-time">
        {inStep.lead && timecode(frame, inStep.lead.rate)}
        <em>
          {frame}
          <span> / {inStep.last}</span>
        </em>
      </span>
      {inStep.last < count - 1 && (
        <span className="compare-note">{t("compare.shorter", { count: inStep.last + 1 })}</span>
      )}
    </footer>
  );
}
