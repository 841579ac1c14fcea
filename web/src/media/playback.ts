/**
 * Playing one video by its frames: what is shown is known from the browser's own report of each frame, and a frame is
 * reached exactly, or it is tried again. No React; whoever draws subscribes to the state.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { frameAt, frameStarting, middleOf, type Rate, startOf } from "./frames";

export type PlaybackState = {
  /** The frame that is shown. */
  readonly frame: number;
  readonly playing: boolean;
  readonly speed: number;
  readonly muted: boolean;
  /** First and last frame of the part that is played; null for the video's own ends. */
  readonly from: number | null;
  readonly to: number | null;
};

export const SPEEDS: readonly number[] = [0.1, 0.25, 0.5, 1, 1.5, 2, 4];

/** How long a frame may take to be reported after a seek, before the player's clock is believed. */
const REPORT_MS = 250;
const TRIES = 3;

export class Playback {
  readonly state: StoreApi<PlaybackState>;
  readonly rate: Rate;
  readonly count: number;
  readonly #video: HTMLVideoElement;
  readonly #stop = new AbortController();
  readonly #watchers = new Set<(frame: number) => void>();
  #wanted: number | null = null;
  #seeking: Promise<void> | null = null;
  #handle = 0;

  constructor(video: HTMLVideoElement, rate: Rate, count: number) {
    this.#video = video;
    this.rate = rate;
    this.count = Math.max(count, 1);
    this.state = createStore(() => ({
      frame: Math.min(frameAt(video.currentTime, rate), this.count - 1),
      playing: !video.paused,
      speed: video.playbackRate,
      muted: video.muted,
      from: null,
      to: null,
    }));
    const on = (kind: string, act: () => void) => video.addEventListener(kind, act, { signal: this.#stop.signal });
    on("play", () => this.state.setState({ playing: true }));
    on("pause", () => this.state.setState({ playing: false }));
    on("ratechange", () => this.state.setState({ speed: video.playbackRate }));
    on("volumechange", () => this.state.setState({ muted: video.muted }));
    on("ended", () => this.#again());
    this.#follow();
  }

  close(): void {
    this.#stop.abort();
    this.#video.cancelVideoFrameCallback(this.#handle);
  }

  /** Be told of every frame that is shown, as it is. Returns what ends it. */
  onFrame(watcher: (frame: number) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  play(): void {
    const { frame } = this.state.getState();
    const [first, last] = this.part;
    if (frame >= last || frame < first) void this.seek(first).then(() => this.#start());
    else this.#start();
  }

  pause(): void {
    this.#video.pause();
  }

  toggle(): void {
    if (this.#video.paused) this.play();
    else this.pause();
  }

  /** Go on by so many frames from where one is, or is going; it stops there. */
  step(frames: number): Promise<void> {
    return this.seek((this.#wanted ?? this.state.getState().frame) + frames);
  }

  /** Show a frame and stay there. Resolves when it is shown; a later wish takes the place of an earlier one. */
  seek(frame: number): Promise<void> {
    this.#video.pause();
    this.#wanted = Math.min(Math.max(Math.round(frame), 0), this.count - 1);
    this.#seeking ??= this.#reach().finally(() => {
      this.#seeking = null;
    });
    return this.#seeking;
  }

  setSpeed(speed: number): void {
    this.#video.playbackRate = speed;
  }

  /** The next speed above or below. */
  changeSpeed(by: 1 | -1): void {
    const { speed } = this.state.getState();
    const next = by > 0 ? SPEEDS.find((entry) => entry > speed) : SPEEDS.findLast((entry) => entry < speed);
    if (next !== undefined) this.setSpeed(next);
  }

  setMuted(muted: boolean): void {
    this.#video.muted = muted;
  }

  /** Begin or end the played part at the shown frame; the same again takes the mark away. */
  mark(which: "from" | "to"): void {
    const { frame, from, to } = this.state.getState();
    if (which === "from")
      this.state.setState({ from: from === frame ? null : frame, to: to !== null && to < frame ? null : to });
    else this.state.setState({ to: to === frame ? null : frame, from: from !== null && from > frame ? null : from });
  }

  clearMarks(): void {
    this.state.setState({ from: null, to: null });
  }

  /** First and last frame that are played. */
  get part(): readonly [first: number, last: number] {
    const { from, to } = this.state.getState();
    return [from ?? 0, to ?? this.count - 1];
  }

  #start(): void {
    // A browser may refuse sound that nobody asked for; then it stays paused, which the state says.
    this.#video.play().catch(() => undefined);
  }

  async #reach(): Promise<void> {
    while (this.#wanted !== null && !this.#stop.signal.aborted) {
      const wanted = this.#wanted;
      const reached = await this.#approach(wanted);
      if (this.#wanted === wanted && reached) this.#wanted = null;
    }
  }

  /** Seek to a frame, further by what was missed when another one was shown; false when another is wanted meanwhile. */
  async #approach(wanted: number): Promise<boolean> {
    let aim = wanted;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const shown = await this.#show(middleOf(aim, this.rate));
      this.#tell(shown);
      if (shown === wanted) return true;
      if (this.#wanted !== wanted) return false;
      aim += wanted - shown;
    }
    return true;
  }

  /** Seek to a time; resolves with the frame that is shown then. */
  async #show(time: number): Promise<number> {
    const video = this.#video;
    // Before it knows its length, a video takes a time without ever telling that it got there.
    if (video.readyState < HTMLMediaElement.HAVE_METADATA) await this.#happens("loadedmetadata");
    if (this.#stop.signal.aborted) return this.state.getState().frame;
    const seeked = this.#happens("seeked");
    const reported = new Promise<number>((resolve) => {
      const handle = video.requestVideoFrameCallback((_now, { mediaTime }) =>
        resolve(frameStarting(mediaTime, this.rate)),
      );
      // The same frame again is not reported, nor is one while the page is hidden.
      void seeked.then(() =>
        setTimeout(() => {
          video.cancelVideoFrameCallback(handle);
          resolve(frameAt(video.currentTime, this.rate));
        }, REPORT_MS),
      );
    });
    video.currentTime = time;
    return reported;
  }

  /** Wait for an event of the video, or for the end of this playback. */
  #happens(kind: string): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      this.#video.addEventListener(kind, () => resolve(), { once: true, signal });
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  #follow(): void {
    this.#handle = this.#video.requestVideoFrameCallback((_now, { mediaTime }) => {
      this.#tell(frameStarting(mediaTime, this.rate));
      this.#follow();
    });
  }

  #tell(frame: number): void {
    const shown = Math.min(frame, this.count - 1);
    if (shown !== this.state.getState().frame) this.state.setState({ frame: shown });
    for (const watcher of this.#watchers) watcher(shown);
    const [, last] = this.part;
    if (!this.#video.paused && shown >= last && last < this.count - 1) this.#again();
  }

  /** From the end of the part to its beginning, playing on. */
  #again(): void {
    this.#video.currentTime = startOf(this.part[0], this.rate) + 0.0005;
    this.#start();
  }
}
