import { type CSSProperties, type PointerEvent, useState } from "react";
import type { FileFacts } from "../api/types";
import { useSession } from "../editor/context";
import { useFacts } from "./useFacts";

/** Frames of a strip: enough to see what happens, few enough to come at once. */
export const STRIP_FRAMES = 16;

/** How many frames the strip of a file really has. */
export function tilesOf(facts: FileFacts): number {
  return Math.max(Math.min(STRIP_FRAMES, facts.frame_count), 1);
}

/** The style that shows one frame of a strip, filling an element of the frame's own shape. */
export function tileStyle(url: string, tile: number, tiles: number): CSSProperties {
  return {
    backgroundImage: `url("${url}")`,
    backgroundSize: `${tiles * 100}% 100%`,
    backgroundPosition: `${tiles === 1 ? 0 : (tile / (tiles - 1)) * 100}% 0`,
  };
}

type ScrubProps = {
  readonly src: string;
  /** For screen readers; empty where the text beside it says enough. */
  readonly alt: string;
};

/** A small picture of a video: its first frame, and under the pointer the frame of that place in time. */
export function Scrub({ src, alt }: ScrubProps) {
  const { services } = useSession();
  const facts = useFacts(src);
  const [share, setShare] = useState<number | null>(null);
  if (facts?.kind !== "video") return <div className="scrub" data-empty />;
  const tiles = tilesOf(facts);
  const tile = share === null ? 0 : Math.min(Math.floor(share * tiles), tiles - 1);
  const follow = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setShare(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
  };
  return (
    <div className="scrub" onPointerMove={follow} onPointerLeave={() => setShare(null)}>
      <div
        className="scrub-frame"
        {...(alt === "" ? { "aria-hidden": true } : { role: "img", "aria-label": alt })}
        style={{
          ...tileStyle(services.stripUrl(src, STRIP_FRAMES), tile, tiles),
          aspectRatio: `${facts.width} / ${facts.height}`,
        }}
      />
      {share !== null && <div className="scrub-line" style={{ left: `${share * 100}%` }} />}
    </div>
  );
}

/** Frames of a video in a row, each cut to a part of the width: where in time is where across. */
export function Filmstrip({
  src,
  facts,
  count,
}: {
  readonly src: string;
  readonly facts: FileFacts;
  readonly count: number;
}) {
  const { services } = useSession();
  const tiles = tilesOf(facts);
  const url = services.stripUrl(src, STRIP_FRAMES);
  return (
    <div className="filmstrip" aria-hidden>
      {Array.from({ length: count }, (_, place) => {
        const tile = Math.min(Math.floor(((place + 0.5) / count) * tiles), tiles - 1);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the places are all there is
          <div key={place}>
            <div style={{ ...tileStyle(url, tile, tiles), aspectRatio: `${facts.width} / ${facts.height}` }} />
          </div>
        );
      })}
    </div>
  );
}
