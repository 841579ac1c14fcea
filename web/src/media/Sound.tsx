import { FileInput, Pause, Play } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { t } from "../i18n";
import { clock } from "./frames";
import { BarButton, SaveLink } from "./Player";
import { useFacts } from "./useFacts";
import { Wave } from "./Wave";

type SoundProps = { readonly src: string; readonly name: string; readonly onUse?: () => void };

/** A sound with its waveform: click into it to go there. */
export function Sound({ src, name, onUse }: SoundProps) {
  const sound = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const facts = useFacts(src);
  const length = facts && facts.kind !== "unknown" ? facts.duration_s : 0;

  function toggle() {
    if (sound.current?.paused) void sound.current.play();
    else sound.current?.pause();
  }

  function seek(to: number) {
    if (sound.current) sound.current.currentTime = Math.min(Math.max(to, 0), length);
  }

  function point(event: PointerEvent<HTMLElement>) {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * length);
  }

  function onKeyDown(event: KeyboardEvent) {
    const far = event.shiftKey ? 5 : 1;
    if (event.key === " ") toggle();
    else if (event.key === "ArrowLeft") seek(time - far);
    else if (event.key === "ArrowRight") seek(time + far);
    else if (event.key === "Home") seek(0);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const label = t(playing ? "media.pause" : "media.play");
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of the player work wherever the focus is in it
    <div className="sound nodrag nowheel" data-playing={playing} onKeyDown={onKeyDown}>
      {/* biome-ignore lint/a11y/useMediaCaption: a sound that was just made has no captions */}
      <audio
        ref={sound}
        src={src}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={(event) => setTime(event.currentTarget.currentTime)}
        onSeeked={(event) => setTime(event.currentTarget.currentTime)}
      />
      <div
        className="sound-wave"
        role="slider"
        tabIndex={0}
        aria-label={t("media.position")}
        aria-valuemin={0}
        aria-valuemax={length}
        aria-valuenow={time}
        aria-valuetext={`${clock(time)} s`}
        onPointerDown={point}
        onPointerMove={point}
      >
        <Wave src={src} />
        <div className="sound-place" style={{ left: `${length > 0 ? (time / length) * 100 : 0}%` }} />
      </div>
      <div className="player-bar">
        <BarButton label={label} onClick={toggle}>
          {playing ? <Pause size={14} /> : <Play size={14} />}
        </BarButton>
        <span className="player-time">
          {clock(time)} <em> / {clock(length)} s</em>
        </span>
        {onUse && (
          <BarButton label={t("media.use")} onClick={onUse}>
            <FileInput size={14} />
          </BarButton>
        )}
        <SaveLink src={src} name={name} />
      </div>
    </div>
  );
}
