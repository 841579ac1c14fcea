import { type RefObject, useEffect, useState } from "react";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import type { FileFacts } from "../api/types";
import { readRate } from "./frames";
import { Playback, type PlaybackState } from "./playback";

/** The playback of a mounted video, as soon as its rate is known. */
export function usePlayback(video: RefObject<HTMLVideoElement | null>, facts: FileFacts | null): Playback | null {
  const [playback, setPlayback] = useState<Playback | null>(null);
  const rate = facts?.fps ?? "";
  const count = facts?.frame_count ?? 0;
  useEffect(() => {
    const element = video.current;
    const read = readRate(rate);
    if (!element || !read) return;
    const made = new Playback(element, read, count);
    setPlayback(made);
    return () => {
      made.close();
      setPlayback(null);
    };
  }, [video, rate, count]);
  return playback;
}

const STILL: PlaybackState = { frame: 0, playing: false, speed: 1, muted: true, from: null, to: null };
const NOTHING = createStore(() => STILL);

/** A part of the state of a playback; of one that stands still while there is none. */
export function usePlaybackState<T>(playback: Playback | null, select: (state: PlaybackState) => T): T {
  return useStore(playback?.state ?? NOTHING, select);
}
