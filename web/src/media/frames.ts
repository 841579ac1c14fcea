/** Frames, times and time codes of a video with an exact rate. Pure. */

/** Frames a second as a fraction: 24000/1001. */
export type Rate = { readonly frames: number; readonly seconds: number };

/** Read `24000/1001` or `24`; null when it is no rate. */
export function readRate(text: string): Rate | null {
  const [frames, seconds] = text.split("/").map(Number);
  if (!frames || frames <= 0 || !Number.isFinite(frames)) return null;
  if (seconds === undefined) return { frames, seconds: 1 };
  return Number.isFinite(seconds) && seconds > 0 ? { frames, seconds } : null;
}

/** The frame that is shown at a time: frame n from n/rate on. The thousandth bears with times that were rounded. */
export function frameAt(time: number, rate: Rate): number {
  return Math.max(Math.floor((time * rate.frames) / rate.seconds + 0.001), 0);
}

/** The frame that begins at a time. */
export function frameStarting(time: number, rate: Rate): number {
  return Math.max(Math.round((time * rate.frames) / rate.seconds), 0);
}

/** When a frame begins, in seconds. */
export function startOf(frame: number, rate: Rate): number {
  return (frame * rate.seconds) / rate.frames;
}

/** Where to seek for a frame: its middle, so that rounding on either side never lands on a neighbor. */
export function middleOf(frame: number, rate: Rate): number {
  return ((frame + 0.5) * rate.seconds) / rate.frames;
}

/** `00:00:02:07`: hours, minutes, seconds, and frames within the second (no frame numbers are dropped). */
export function timecode(frame: number, rate: Rate): string {
  const base = Math.max(Math.round(rate.frames / rate.seconds), 1);
  const whole = Math.floor(frame / base);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60, frame % base];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** The frame of a time code, or of a plain frame number; null when it is neither. */
export function readTimecode(text: string, rate: Rate): number | null {
  const parts = text.trim().split(/[:;]/);
  if (parts.length > 4 || parts.some((part) => !/^\d+$/.test(part))) return null;
  const numbers = parts.map(Number);
  const frames = numbers.pop() ?? 0;
  const seconds = numbers.reduce((sum, part) => sum * 60 + part, 0);
  return seconds * Math.max(Math.round(rate.frames / rate.seconds), 1) + frames;
}

/** Seconds and hundredths; minutes only when there are some. */
export function clock(seconds: number): string {
  const safe = Number.isFinite(seconds) ? seconds : 0;
  const minutes = Math.floor(safe / 60);
  return minutes === 0 ? safe.toFixed(2) : `${minutes}:${(safe % 60).toFixed(2).padStart(5, "0")}`;
}

/** What a file is shown as, by its name; null for what has no picture and no sound. */
export function kindOfFile(name: string): "image" | "video" | "audio" | null {
  const end = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  if (/^(png|jpe?g|webp|gif|bmp|tiff?|avif)$/.test(end)) return "image";
  if (/^(mp4|m4v|mov|mkv|webm|avi)$/.test(end)) return "video";
  return /^(wav|flac|mp3|m4a|ogg|opus|aac)$/.test(end) ? "audio" : null;
}
