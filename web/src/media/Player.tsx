import {
  Columns2,
  Download,
  FileInput,
  Maximize2,
  Pause,
  Play,
  StepBack,
  StepForward,
  Volume2,
  VolumeX,
} from "lucide-react";
import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import type { FileFacts } from "../api/types";
import { useSession } from "../editor/context";
import { t } from "../i18n";
import { timecode } from "./frames";
import { type Playback, SPEEDS } from "./playback";
import { Seek } from "./Seek";
import { useFacts } from "./useFacts";
import { usePlayback, usePlaybackState } from "./usePlayback";

type PlayerProps = {
  readonly src: string;
  readonly name: string;
  /** What else can be done with the video, each where it makes sense. */
  readonly onUse?: () => void;
  readonly onCompare?: () => void;
};

/**
 * A video that loops, steps by its exact frames, plays a part of itself, and goes full screen. It has its own element,
 * and what changes with each frame is drawn by the smallest parts, so that playing never redraws the canvas.
 */
export function Player({ src, name, onUse, onCompare }: PlayerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const whole = useRef<HTMLDivElement>(null);
  const known = useFacts(src);
  const facts = known?.kind === "video" ? known : null;
  const playback = usePlayback(video, facts);
  const source = useSource(src);
  const playing = usePlaybackState(playback, (state) => state.playing);
  const fullscreen = () =>
    void (document.fullscreenElement ? document.exitFullscreen() : whole.current?.requestFullscreen());

  function onKeyDown(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey || !playback) return;
    if (event.key === "f") fullscreen();
    else if (!playbackKey(event, playback)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of the player work wherever the focus is in it
    <div className="player nodrag nowheel" ref={whole} tabIndex={-1} data-playing={playing} onKeyDown={onKeyDown}>
      <div className="player-picture">
        <video
          ref={video}
          src={source.url}
          loop
          muted
          playsInline
          autoPlay={!prefersStillness()}
          aria-label={name}
          onClick={() => playback?.toggle()}
          onError={source.onError}
        />
        {source.note !== null && <p className="player-note">{source.note}</p>}
      </div>
      <Seek src={src} facts={facts} playback={playback} />
      <div className="player-bar">
        <PlayButton playback={playback} />
        <BarButton label={t("media.back")} onClick={() => void playback?.step(-1)}>
          <StepBack size={13} />
        </BarButton>
        <BarButton label={t("media.forward")} onClick={() => void playback?.step(1)}>
          <StepForward size={13} />
        </BarButton>
        <Place playback={playback} facts={facts} />
      </div>
      <div className="player-bar">
        <MuteButton playback={playback} hasSound={facts?.has_sound ?? true} />
        <Marks playback={playback} />
        <Speed playback={playback} />
        <span className="spacer" />
        {onCompare && (
          <BarButton label={t("media.compare")} onClick={onCompare}>
            <Columns2 size={14} />
          </BarButton>
        )}
        {onUse && (
          <BarButton label={t("media.use")} onClick={onUse}>
            <FileInput size={14} />
          </BarButton>
        )}
        <SaveLink src={src} name={name} />
        <BarButton label={t("media.fullscreen")} onClick={fullscreen}>
          <Maximize2 size={13} />
        </BarButton>
      </div>
    </div>
  );
}

/** The file itself, or a copy where this browser cannot play it. */
function useSource(src: string) {
  const { services } = useSession();
  const [stage, setStage] = useState<"itself" | "copy" | "nothing">("itself");
  return {
    url: stage === "itself" ? src : services.playableUrl(src),
    note: stage === "itself" ? null : t(stage === "copy" ? "media.is_copy" : "media.unplayable"),
    onError: () => setStage(stage === "itself" ? "copy" : "nothing"),
  };
}

export function prefersStillness(): boolean {
  return document.documentElement.dataset["still"] === "true";
}

/** What a key does to a playback; false for a key that means nothing here. */
export function playbackKey(event: KeyboardEvent, playback: Playback): boolean {
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  act?.(playback, event.shiftKey);
  return act !== undefined;
}

const KEYS: { readonly [key: string]: (playback: Playback, far: boolean) => unknown } = {
  " ": (playback) => playback.toggle(),
  k: (playback) => playback.toggle(),
  ArrowLeft: (playback, far) => playback.step(far ? -10 : -1),
  ArrowRight: (playback, far) => playback.step(far ? 10 : 1),
  ",": (playback) => playback.step(-1),
  ".": (playback) => playback.step(1),
  Home: (playback) => playback.seek(playback.part[0]),
  End: (playback) => playback.seek(playback.part[1]),
  i: (playback) => playback.mark("from"),
  o: (playback) => playback.mark("to"),
  x: (playback) => playback.clearMarks(),
  m: (playback) => playback.setMuted(!playback.state.getState().muted),
  "[": (playback) => playback.changeSpeed(-1),
  "]": (playback) => playback.changeSpeed(1),
};

export function BarButton({
  label,
  onClick,
  pressed,
  children,
}: {
  readonly label: string;
  readonly onClick: () => void;
  readonly pressed?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <button
      type="button"
      className="icon-button small"
      title={label}
      aria-label={label}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

export function SaveLink({ src, name }: { readonly src: string; readonly name: string }) {
  const label = t("media.download");
  return (
    <a className="icon-button small" href={src} download={name} title={label} aria-label={label}>
      <Download size={14} />
    </a>
  );
}

export function PlayButton({ playback }: { readonly playback: Playback | null }) {
  const playing = usePlaybackState(playback, (state) => state.playing);
  return (
    <BarButton label={t(playing ? "media.pause" : "media.play")} onClick={() => playback?.toggle()}>
      {playing ? <Pause size={14} /> : <Play size={14} />}
    </BarButton>
  );
}

function MuteButton({ playback, hasSound }: { readonly playback: Playback | null; readonly hasSound: boolean }) {
  const muted = usePlaybackState(playback, (state) => state.muted);
  if (!hasSound) return null;
  return (
    <BarButton label={t(muted ? "media.unmute" : "media.mute")} onClick={() => playback?.setMuted(!muted)}>
      {muted ? <VolumeX size={14} /> : <Volume2 size={14} />}
    </BarButton>
  );
}

/** Time code and frame number of what is shown. */
export function Place({ playback, facts }: { readonly playback: Playback | null; readonly facts: FileFacts | null }) {
  const frame = usePlaybackState(playback, (state) => state.frame);
  if (!playback || !facts) return <span className="player-time" />;
  return (
    <span className="player-time">
      {timecode(frame, playback.rate)}
      <em title={t("media.frame_of", { frame, last: facts.frame_count - 1 })}>
        {frame}
        <span> / {facts.frame_count - 1}</span>
      </em>
    </span>
  );
}

function Speed({ playback }: { readonly playback: Playback | null }) {
  const speed = usePlaybackState(playback, (state) => state.speed);
  return (
    <label className="player-speed" title={t("media.speed")}>
      <select
        aria-label={t("media.speed")}
        value={speed}
        onChange={(event) => playback?.setSpeed(Number(event.target.value))}
      >
        {SPEEDS.map((entry) => (
          <option key={entry} value={entry}>
            {entry}×
          </option>
        ))}
      </select>
    </label>
  );
}

/** Where the played part begins and ends. */
function Marks({ playback }: { readonly playback: Playback | null }) {
  const from = usePlaybackState(playback, (state) => state.from);
  const to = usePlaybackState(playback, (state) => state.to);
  return (
    <>
      <BarButton label={t("media.mark_in")} pressed={from !== null} onClick={() => playback?.mark("from")}>
        <b aria-hidden>[</b>
      </BarButton>
      <BarButton label={t("media.mark_out")} pressed={to !== null} onClick={() => playback?.mark("to")}>
        <b aria-hidden>]</b>
      </BarButton>
    </>
  );
}
