/** Random seeds, and which seed comes after one. Pure but for chance. */
import type { Json } from "../graph/document";
import type { SeedMode } from "../graph/edits";
import type { Limits } from "./number";

/** Large enough that no two are alike, short enough to read aloud. */
const LARGEST = 2 ** 32 - 1;

/** A random seed within the limits. */
export function newSeed(limits: Pick<Limits, "min" | "max">): number {
  const min = Math.max(limits.min, 0);
  const range = Math.min(limits.max, LARGEST) - min;
  return min + Math.floor(Math.random() * (range + 1));
}

/** The seed of the next run. Counting goes round at the ends of what JSON keeps exactly. */
export function nextSeed(mode: SeedMode, seed: Json | undefined): number {
  const now = typeof seed === "number" && Number.isSafeInteger(seed) ? seed : 0;
  if (mode === "random") return newSeed({ min: 0, max: LARGEST });
  if (mode === "increment") return now >= Number.MAX_SAFE_INTEGER ? 0 : now + 1;
  if (mode === "decrement") return now <= 0 ? Number.MAX_SAFE_INTEGER : now - 1;
  return now;
}
