/** How often each node type was added in this browser, and which ones are bookmarked. */
import { createStore } from "zustand/vanilla";

type Kept = { readonly uses: { readonly [type: string]: number }; readonly bookmarks: readonly string[] };

const KEY = "kinegraph.nodes";
/** Above this, all counts are halved: what was often used long ago gives way to what is used now. */
const MOST = 200;

export const kept = createStore<Kept>(read);

function read(): Kept {
  const empty: Kept = { uses: {}, bookmarks: [] };
  try {
    const data = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>;
    return { uses: data.uses ?? {}, bookmarks: Array.isArray(data.bookmarks) ? data.bookmarks : [] };
  } catch {
    return empty;
  }
}

function write(next: Partial<Kept>): void {
  kept.setState(next);
  try {
    localStorage.setItem(KEY, JSON.stringify(kept.getState()));
  } catch (error) {
    // A full store keeps the counts of this visit only.
    if (!(error instanceof DOMException)) throw error;
  }
}

export function countUse(type: string): void {
  const { uses } = kept.getState();
  const next = { ...uses, [type]: (uses[type] ?? 0) + 1 };
  const isFull = (next[type] ?? 0) > MOST;
  const halved = Object.entries(next).map(([name, count]) => [name, Math.floor(count / 2)] as const);
  write({ uses: isFull ? Object.fromEntries(halved.filter(([, count]) => count > 0)) : next });
}

export function toggleBookmark(type: string): void {
  const { bookmarks } = kept.getState();
  const has = bookmarks.includes(type);
  write({ bookmarks: has ? bookmarks.filter((entry) => entry !== type) : [...bookmarks, type] });
}
