import { Download, Maximize2, Pause, Play, StepBack, StepForward, Volume2, VolumeX } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { t } from "../i18n";

type PlayerProps = { readonly src: string; readonly name: string };

/** Frames per second to step by until the file's own are known. */
const STEP_S = 1 / 24;

/** A video that loops, steps, seeks and goes full screen; its own element, so that it never redraws the canvas. */
export function Player({ src, name }: PlayerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const [playing, setPlaying] = useState(false);
  const [muted, setMuted] = useState(true);
  const [time, setTime] = useState(0);
  const [length, setLength] = useState(0);
  const step = useFrameLength(video);

  function toggle() {
    const element = video.current;
    if (element?.paused) void element.play();
    else element?.pause();
  }

  function seek(to: number) {
    if (!video.current) return;
    video.current.pause();
    video.current.currentTime = Math.min(Math.max(to, 0), length);
  }

  // Half a frame further, so that rounding never lands on the frame before.
  const stepBy = (frames: number) => seek((Math.round(time / step.current) + frames + 0.5) * step.current);

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === " ") toggle();
    else if (event.key === "ArrowLeft" || event.key === ",") stepBy(-1);
    else if (event.key === "ArrowRight" || event.key === ".") stepBy(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of the player work wherever the focus is in it
    <div className="player nodrag nowheel" ref={frame} onKeyDown={onKeyDown}>
      <video
        ref={video}
        src={src}
        loop
        autoPlay
        muted={muted}
        playsInline
        onClick={toggle}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={(event) => setTime(event.currentTarget.currentTime)}
        onSeeked={(event) => setTime(event.currentTarget.currentTime)}
        onLoadedMetadata={(event) => setLength(event.currentTarget.duration)}
      >
        <track kind="captions" />
      </video>
      <input
        className="player-seek"
        type="range"
        min={0}
        max={length || 1}
        step="any"
        value={time}
        style={{ "--share": length > 0 ? time / length : 0 } as React.CSSProperties}
        aria-label={t("media.position")}
        onChange={(event) => seek(Number(event.target.value))}
      />
      <div className="player-bar">
        <PlayerButton label={playing ? t("media.pause") : t("media.play")} onClick={toggle}>
          {playing ? <Pause size={14} /> : <Play size={14} />}
        </PlayerButton>
        <PlayerButton label={t("media.back")} onClick={() => stepBy(-1)}>
          <StepBack size={13} />
        </PlayerButton>
        <PlayerButton label={t("media.forward")} onClick={() => stepBy(1)}>
          <StepForward size={13} />
        </PlayerButton>
        <span className="player-time">
          {clock(time)}
          <em> / {clock(length)} s</em>
        </span>
        <PlayerButton label={muted ? t("media.unmute") : t("media.mute")} onClick={() => setMuted(!muted)}>
          {muted ? <VolumeX size={14} /> : <Volume2 size={14} />}
        </PlayerButton>
        <a
          className="icon-button small"
          href={src}
          download={name}
          title={t("media.download")}
          aria-label={t("media.download")}
        >
          <Download size={14} />
        </a>
        <PlayerButton label={t("media.fullscreen")} onClick={() => void frame.current?.requestFullscreen()}>
          <Maximize2 size={13} />
        </PlayerButton>
      </div>
    </div>
  );
}

function PlayerButton({ label, onClick, children }: { label: string; onClick: () => void; children: React.ReactNode }) {
  return (
    <button type="button" className="icon-button small" title={label} aria-label={label} onClick={onClick}>
      {children}
    </button>
  );
}

/** Seconds and hundredths; minutes only when there are some. */
function clock(seconds: number): string {
  const safe = Number.isFinite(seconds) ? seconds : 0;
  const minutes = Math.floor(safe / 60);
  return minutes === 0 ? safe.toFixed(2) : `${minutes}:${(safe % 60).toFixed(2).padStart(5, "0")}`;
}

/** The length of a frame, learned from the times of two frames that follow each other while it plays. */
function useFrameLength(video: React.RefObject<HTMLVideoElement | null>) {
  const length = useRef(STEP_S);
  useEffect(() => {
    const element = video.current;
    if (!element?.requestVideoFrameCallback) return;
    let last = Number.NaN;
    let handle = element.requestVideoFrameCallback(function learn(_now, facts) {
      const gap = facts.mediaTime - last;
      if (gap > 0.004 && gap < length.current) length.current = gap;
      last = facts.mediaTime;
      handle = element.requestVideoFrameCallback(learn);
    });
    return () => element.cancelVideoFrameCallback(handle);
  }, [video]);
  return length;
}
