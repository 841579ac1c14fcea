import { type PointerEvent, useState } from "react";
import type { FileFacts } from "../api/types";
import { useSession } from "../editor/context";
import { t } from "../i18n";
import { timecode } from "./frames";
import type { Playback } from "./playback";
import { STRIP_FRAMES, tileStyle, tilesOf } from "./Strip";
import { usePlaybackState } from "./usePlayback";

type SeekProps = {
  readonly src: string;
  readonly facts: FileFacts | null;
  readonly playback: Playback | null;
};

/** The line of time: drag along it; what lies under the pointer is shown small before it is gone to. */
export function Seek({ src, facts, playback }: SeekProps) {
  const frame = usePlaybackState(playback, (state) => state.frame);
  const from = usePlaybackState(playback, (state) => state.from);
  const to = usePlaybackState(playback, (state) => state.to);
  const [hover, setHover] = useState<number | null>(null);
  const last = Math.max((facts?.frame_count ?? 1) - 1, 1);
  const percent = (at: number) => `${(at / last) * 100}%`;

  function follow(event: PointerEvent<HTMLElement>) {
    const box = event.currentTarget.getBoundingClientRect();
    setHover(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
  }

  return (
    <div className="player-seek" onPointerMove={follow} onPointerLeave={() => setHover(null)}>
      <div className="player-seek-line" aria-hidden>
        {(from !== null || to !== null) && (
          <div
            className="player-part"
            style={{ left: percent(from ?? 0), right: `calc(100% - ${percent(to ?? last)})` }}
          />
        )}
        <div className="player-done" style={{ width: percent(frame) }} />
      </div>
      <input
        type="range"
        min={0}
        max={last}
        step={1}
        value={frame}
        disabled={!playback}
        aria-label={t("media.position")}
        aria-valuetext={playback ? timecode(frame, playback.rate) : ""}
        onChange={(event) => void playback?.seek(Number(event.target.value))}
      />
      {hover !== null && facts && playback && <Glimpse src={src} facts={facts} playback={playback} share={hover} />}
    </div>
  );
}

const GLIMPSE_HEIGHT = 54;

function Glimpse({
  src,
  facts,
  playback,
  share,
}: {
  readonly src: string;
  readonly facts: FileFacts;
  readonly playback: Playback;
  readonly share: number;
}) {
  const { services } = useSession();
  const tiles = tilesOf(facts);
  const tile = Math.round(share * (tiles - 1));
  const width = Math.min((GLIMPSE_HEIGHT * facts.width) / facts.height, 120);
  return (
    <div
      className="player-glimpse"
      style={{ left: `clamp(${width / 2 + 2}px, ${share * 100}%, calc(100% - ${width / 2 + 2}px))` }}
    >
      <div style={{ ...tileStyle(services.stripUrl(src, STRIP_FRAMES), tile, tiles), width, height: GLIMPSE_HEIGHT }} />
      <span>{timecode(Math.round(share * (facts.frame_count - 1)), playback.rate)}</span>
    </div>
  );
}
