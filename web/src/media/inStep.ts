/**
 * Two results shown as one picture, in step to the frame: a picture of each side is kept as the browser reports it, and
 * the two are put together only when they belong together. So what is seen is never a frame apart, however unevenly two
 * players run. No React.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { frameAt, frameStarting, middleOf, type Rate } from "./frames";
import type { Playback } from "./playback";

export type Mode = "wipe" | "side" | "difference";
export type Look = { readonly mode: Mode; readonly edge: number; readonly gain: number; readonly swapped: boolean };

/** One of the two: a video with its playback, or a picture, which goes with every frame. */
export type Side = {
  readonly picture: HTMLVideoElement | HTMLImageElement;
  readonly playback: Playback | null;
  readonly width: number;
  readonly height: number;
};

/** Frames that two players may drift apart before the second one is set right. */
const PATIENCE = 2;

/** Redraws of the page that are waited for at most, for a copy to be of the frame that was gone to. */
const SETTLING = 12;

/** The frame of another video that is shown at the same time. */
export function partnerOf(frame: number, rate: Rate, other: Rate, count: number): number {
  return Math.min(frameAt(middleOf(frame, rate), other), count - 1);
}

/** The last frame of a video at which another one still goes on. */
export function lastCommon(count: number, rate: Rate, otherCount: number, other: Rate): number {
  const end = middleOf(otherCount - 1, other);
  return Math.max(Math.min(count - 1, frameAt(end, rate)), 0);
}

export class InStep {
  readonly look: StoreApi<Look> = createStore(() => ({ mode: "wipe" as Mode, edge: 0.5, gain: 1, swapped: false }));
  /** Frames of the two sides that are seen. */
  readonly seen: StoreApi<{ readonly frame: number; readonly partner: number }> = createStore(() => ({
    frame: 0,
    partner: 0,
  }));
  /** The last frame that both have. */
  readonly last: number;
  readonly lead: Playback | null;
  readonly #sides: readonly [Side, Side];
  readonly #copies: readonly [HTMLCanvasElement, HTMLCanvasElement];
  readonly #canvas: HTMLCanvasElement;
  readonly #follower: Playback | null;
  readonly #stops: (() => void)[] = [];
  /** Frames that the copies show. */
  readonly #copied: [number, number] = [0, 0];
  #correcting = false;
  /** The frame that is gone to, until it is there: the next step goes on from it. */
  #target: number | null = null;

  constructor(canvas: HTMLCanvasElement, one: Side, other: Side) {
    this.#canvas = canvas;
    this.#sides = [one, other];
    this.#copies = [document.createElement("canvas"), document.createElement("canvas")];
    for (const copy of this.#copies) {
      copy.width = one.width;
      copy.height = one.height;
    }
    this.lead = one.playback ?? other.playback;
    this.#follower = one.playback && other.playback;
    this.last = this.#commonEnd();
    for (const index of [0, 1] as const) {
      const { playback } = this.#sides[index];
      this.#copy(index);
      if (playback) this.#stops.push(playback.onFrame(() => this.#shown(index)));
    }
    this.#stops.push(this.look.subscribe(() => this.draw()));
    this.draw();
    void this.seek(0);
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  /** Show a frame of both sides. */
  async seek(frame: number): Promise<void> {
    const to = Math.min(Math.max(frame, 0), this.last);
    this.#target = to;
    await Promise.all([this.lead?.seek(to), this.#follower?.seek(this.#partner(to))]);
    // What a player has reported may take a moment to be what can be copied from it.
    for (let tries = 0; tries < SETTLING && !this.#isSettled(); tries += 1) {
      if (tries > 0) await new Promise(requestAnimationFrame);
      this.#copy(0);
      this.#copy(1);
    }
    this.#pair();
    if (this.#target === to) this.#target = null;
  }

  #isSettled(): boolean {
    return this.#sides.every(({ playback }, index) => {
      return !playback || playback.state.getState().frame === this.#copied[index];
    });
  }

  /** Go on by so many frames from where one is, or is going. */
  step(by: number): Promise<void> {
    return this.seek((this.#target ?? this.lead?.state.getState().frame ?? 0) + by);
  }

  async toggle(): Promise<void> {
    if (!this.lead) return;
    const { playing, frame } = this.lead.state.getState();
    if (playing) {
      this.lead.pause();
      this.#follower?.pause();
      return this.seek(this.lead.state.getState().frame);
    }
    await this.seek(frame >= this.last ? 0 : frame);
    this.#follower?.play();
    this.lead.play();
  }

  /** Put the two pictures together as they are looked at now. */
  draw(): void {
    const { mode, edge, gain, swapped } = this.look.getState();
    const [left, right] = swapped ? [...this.#copies].reverse() : this.#copies;
    const context = this.#canvas.getContext("2d");
    if (!context || !left || !right) return;
    const { width, height } = left;
    const across = mode === "side" ? width * 2 : width;
    if (this.#canvas.width !== across) this.#canvas.width = across;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#canvas.parentElement?.style.setProperty("--ratio", String(across / height));
    context.globalCompositeOperation = "source-over";
    context.drawImage(left, 0, 0);
    if (mode === "side") context.drawImage(right, width, 0);
    else if (mode === "wipe") {
      const from = Math.round(width * edge);
      if (from < width) context.drawImage(right, from, 0, width - from, height, from, 0, width - from, height);
    } else {
      context.globalCompositeOperation = "difference";
      context.drawImage(right, 0, 0);
      context.globalCompositeOperation = "lighter";
      for (let factor = 1; factor < gain; factor *= 2) context.drawImage(this.#canvas, 0, 0);
    }
  }

  #commonEnd(): number {
    if (!this.lead) return 0;
    const { rate, count } = this.lead;
    return this.#follower ? lastCommon(count, rate, this.#follower.count, this.#follower.rate) : count - 1;
  }

  #partner(frame: number): number {
    const other = this.#follower;
    return this.lead && other ? partnerOf(frame, this.lead.rate, other.rate, other.count) : 0;
  }

  #copy(index: 0 | 1): void {
    const { picture, playback } = this.#sides[index];
    const { width, height } = this.#copies[index];
    const context = this.#copies[index].getContext("2d");
    if (!playback || !(picture instanceof HTMLVideoElement))
      return void context?.drawImage(picture, 0, 0, width, height);
    if (picture.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    if (!("VideoFrame" in window)) {
      context?.drawImage(picture, 0, 0, width, height);
      this.#copied[index] = playback.state.getState().frame;
      return;
    }
    // A player may have gone on since it reported its frame; the frame itself says which one it is.
    const shown = new VideoFrame(picture);
    context?.drawImage(shown, 0, 0, width, height);
    this.#copied[index] = frameStarting(shown.timestamp / 1_000_000, playback.rate);
    shown.close();
  }

  #shown(index: 0 | 1): void {
    this.#copy(index);
    this.#pair();
  }

  /** Show the two pictures if they belong together; else wait, or set the second player right. */
  #pair(): void {
    const [one, other] = this.#copied;
    const [frame, partner] = this.#sides[0].playback ? [one, other] : [other, one];
    const ahead = partner - this.#partner(frame);
    if (!this.#follower || ahead === 0) {
      this.seen.setState({ frame, partner });
      this.draw();
    } else if (Math.abs(ahead) > PATIENCE) this.#correct();
    if (frame >= this.last && this.lead?.state.getState().playing) void this.#again();
  }

  /** Put the second player where the first one is. */
  #correct(): void {
    const [one, other] = this.#sides;
    const isPlaying = this.lead?.state.getState().playing;
    if (this.#correcting || !isPlaying || !("currentTime" in one.picture) || !("currentTime" in other.picture)) return;
    this.#correcting = true;
    other.picture.addEventListener("seeked", () => (this.#correcting = false), { once: true });
    other.picture.currentTime = one.picture.currentTime;
  }

  async #again(): Promise<void> {
    await this.seek(0);
    this.#follower?.play();
    this.lead?.play();
  }
}
