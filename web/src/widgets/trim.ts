/** A part of a file in seconds: where it starts and how long it is, where 0 means to the end. Pure. */
import { type Rate, startOf } from "../media/frames";

export type Span = { readonly start: number; readonly end: number };

/** The part in seconds of the file, within it. */
export function spanOf(start: number, length: number, duration: number): Span {
  const from = Math.min(Math.max(start, 0), duration);
  return { start: from, end: length > 0 ? Math.min(from + length, duration) : duration };
}

/** A time on the grid of frames; where there is none (sound), on hundredths. */
export function snapped(time: number, rate: Rate | null): number {
  const frame = rate ?? { frames: 100, seconds: 1 };
  const exact = startOf(Math.round((time * frame.frames) / frame.seconds), frame);
  // Milliseconds are as exact as a frame needs, and short to read.
  return Number(exact.toFixed(3));
}

/** The part after its start or its end is moved; a frame is the least that is left of it. */
export function moved(span: Span, which: "start" | "end", to: number, duration: number, rate: Rate | null): Span {
  const least = rate ? rate.seconds / rate.frames : 0.01;
  if (which === "start") return { ...span, start: snapped(Math.min(Math.max(to, 0), span.end - least), rate) };
  return { ...span, end: Math.min(snapped(Math.max(to, span.start + least), rate), duration) };
}

/** Start and length as the knobs hold them. */
export function knobsOf(span: Span, duration: number): { readonly start: number; readonly length: number } {
  // Milliseconds were rounded; no frame is as short as five of them.
  const whole = duration - span.end < 0.005;
  return { start: span.start, length: whole ? 0 : Number((span.end - span.start).toFixed(3)) };
}
