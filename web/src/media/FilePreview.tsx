import { Pause, Play } from "lucide-react";
import { useRef, useState } from "react";
import type { FileFacts } from "../api/types";
import { t } from "../i18n";
import { clock, kindOfFile, readRate } from "./frames";
import { Scrub } from "./Strip";
import { useFacts } from "./useFacts";
import { Wave } from "./Wave";

/** What a chosen file holds: its picture, its frames under the pointer, or its sound. */
export function FilePreview({ name, src }: { readonly name: string; readonly src: string }) {
  const kind = kindOfFile(name);
  const facts = useFacts(kind === null ? null : src);
  if (kind === null) return null;
  if (facts?.kind === "unknown") return <div className="file-preview none">{facts.reason}</div>;
  return (
    <div className="file-preview" data-kind={kind}>
      {kind === "image" && <img src={src} alt={name} draggable={false} />}
      {kind === "video" && <Scrub src={src} alt={name} />}
      {kind === "audio" && <SoundButton src={src} />}
      {kind === "audio" && <Wave src={src} />}
      <span className="file-facts">{facts && sayFacts(facts)}</span>
    </div>
  );
}

/** Plays a sound and stops it; the player of a result has more. */
function SoundButton({ src }: { readonly src: string }) {
  const sound = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const label = t(playing ? "media.pause" : "media.play");
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: a file that someone chose has no captions */}
      <audio ref={sound} src={src} preload="none" onPlay={() => setPlaying(true)} onPause={() => setPlaying(false)} />
      <button
        type="button"
        className="icon-button small nodrag"
        title={label}
        aria-label={label}
        onClick={() => (playing ? sound.current?.pause() : void sound.current?.play())}
      >
        {playing ? <Pause size={14} /> : <Play size={14} />}
      </button>
    </>
  );
}

/** `640×360 · 24 fps · 3.20 s`. */
export function sayFacts(facts: FileFacts): string {
  const parts: string[] = [];
  if (facts.width > 0) parts.push(`${facts.width}×${facts.height}`);
  const rate = readRate(facts.fps);
  if (rate) parts.push(t("media.fps", { rate: Number((rate.frames / rate.seconds).toFixed(2)) }));
  if (facts.duration_s > 0) parts.push(`${clock(facts.duration_s)} s`);
  return parts.join(" · ");
}
