import { useEffect, useState } from "react";
import { useSession } from "../editor/context";
import { t } from "../i18n";

/** Points of a waveform; a node is no wider than this in device pixels. */
const POINTS = 240;

/** How loud a file is over its time, drawn as a band around the middle. */
export function Wave({ src, className = "wave" }: { readonly src: string; readonly className?: string }) {
  const peaks = usePeaks(src);
  if (peaks === null) return <div className={className} aria-busy="true" />;
  if (peaks.length === 0) return <div className={className}>{t("media.no_sound")}</div>;
  return (
    <svg className={className} viewBox={`0 -1 ${peaks.length} 2`} preserveAspectRatio="none" aria-hidden>
      <path d={wavePath(peaks)} />
    </svg>
  );
}

/** The outline of a band as high as the peaks: forth above the middle, back below; never thinner than a line. */
export function wavePath(peaks: readonly number[]): string {
  const heights = peaks.map((peak) => Math.max(peak, 0.015));
  const over = heights.map((height, x) => `V${-height}H${x + 1}`);
  const under = heights.map((height, x) => `V${height}H${x}`).reverse();
  return `M0 0${over.join("")}${under.join("")}Z`;
}

function usePeaks(src: string): readonly number[] | null {
  const { services } = useSession();
  const [known, setKnown] = useState<{ src: string; peaks: readonly number[] } | null>(null);
  useEffect(() => {
    let gone = false;
    const learn = (peaks: readonly number[]) => !gone && setKnown({ src, peaks });
    services.peaks(src, POINTS).then(learn, () => learn([]));
    return () => {
      gone = true;
    };
  }, [src, services]);
  return known?.src === src ? known.peaks : null;
}
