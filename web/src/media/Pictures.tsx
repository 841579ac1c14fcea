import { ChevronLeft, ChevronRight, Columns2, FileInput, Grid2x2, Maximize2, Square } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { useSession } from "../editor/context";
import { t } from "../i18n";
import type { Artifact } from "../run/events";
import { BarButton, SaveLink } from "./Player";

type PicturesProps = {
  readonly pictures: readonly Artifact[];
  readonly onUse?: (picture: Artifact) => void;
  readonly onCompare?: (picture: Artifact) => void;
};

/** The pictures that a node made: one at a time, or all in a grid. */
export function Pictures({ pictures, onUse, onCompare }: PicturesProps) {
  const { services } = useSession();
  const whole = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const [grid, setGrid] = useState(false);
  const at = Math.min(chosen ?? pictures.length - 1, pictures.length - 1);
  const picture = pictures[at];
  if (!picture) return null;
  const several = pictures.length > 1;
  const step = (by: number) => setChosen((at + by + pictures.length) % pictures.length);

  function onKeyDown(event: KeyboardEvent) {
    if (!several || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
    event.preventDefault();
    event.stopPropagation();
    step(event.key === "ArrowLeft" ? -1 : 1);
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys step wherever the focus is in it
    <div className="pictures nodrag" ref={whole} data-grid={grid && several} onKeyDown={onKeyDown}>
      {grid && several ? (
        <div className="pictures-grid nowheel">
          {pictures.map((entry, index) => (
            <button
              key={entry.path}
              type="button"
              aria-label={nameOf(entry)}
              onClick={() => {
                setChosen(index);
                setGrid(false);
              }}
            >
              <img src={services.artifactUrl(entry.digest)} alt="" draggable={false} />
            </button>
          ))}
        </div>
      ) : (
        <img src={services.artifactUrl(picture.digest)} alt={nameOf(picture)} draggable={false} />
      )}
      <div className="pictures-bar">
        {several && (
          <>
            <BarButton label={t("media.previous")} onClick={() => step(-1)}>
              <ChevronLeft size={14} />
            </BarButton>
            <span>{t("media.picture_of", { number: at + 1, count: pictures.length })}</span>
            <BarButton label={t("media.next")} onClick={() => step(1)}>
              <ChevronRight size={14} />
            </BarButton>
            <BarButton label={t("media.grid")} pressed={grid} onClick={() => setGrid(!grid)}>
              {grid ? <Square size={13} /> : <Grid2x2 size={13} />}
            </BarButton>
          </>
        )}
        {onCompare && (
          <BarButton label={t("media.compare")} onClick={() => onCompare(picture)}>
            <Columns2 size={14} />
          </BarButton>
        )}
        {onUse && (
          <BarButton label={t("media.use")} onClick={() => onUse(picture)}>
            <FileInput size={14} />
          </BarButton>
        )}
        <SaveLink src={services.artifactUrl(picture.digest)} name={nameOf(picture)} />
        <BarButton label={t("media.fullscreen")} onClick={() => void whole.current?.requestFullscreen()}>
          <Maximize2 size={13} />
        </BarButton>
      </div>
    </div>
  );
}

export function nameOf(artifact: Artifact): string {
  return artifact.path.split("/").at(-1) ?? "";
}
