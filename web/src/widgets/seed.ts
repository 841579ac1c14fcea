/** Random seeds. */
import type { Limits } from "./number";

/** Large enough that no two are alike, short enough to read aloud. */
const LARGEST = 2 ** 32 - 1;

/** A random seed within the limits. */
export function newSeed(limits: Pick<Limits, "min" | "max">): number {
  const min = Math.max(limits.min, 0);
  const range = Math.min(limits.max, LARGEST) - min;
  return min + Math.floor(Math.random() * (range + 1));
}
