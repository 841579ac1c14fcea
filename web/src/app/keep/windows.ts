/**
 * Which window a page is. Each owns its tabs' drafts alone, by a lock that the browser takes away when the page ends,
 * however it ends; so no window writes over another's. A fresh page takes up the tabs of the windows that are gone.
 */
import { freshKey } from "./ids";

const SESSION_KEY = "kinegraph.window";
/** How long a page that is loaded anew waits for its former self to be gone, in milliseconds. */
const RELOAD_MS = 600;
/** How long a window without locks has to say that it lives, in milliseconds. */
const ANSWER_MS = 250;

const lockOf = (id: string) => `kinegraph.window.${id}`;

/** Be the window `id` until the page ends. Returns whether it is now: false when another page is. */
function claim(id: string, wait_ms: number): Promise<boolean> {
  // Locks exist on secure pages: https, or this machine.
  if (!navigator.locks) return claimByAsking(id);
  const options = wait_ms > 0 ? { signal: AbortSignal.timeout(wait_ms) } : { ifAvailable: true };
  return new Promise((resolve) => {
    navigator.locks
      .request(lockOf(id), options, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise(() => undefined);
      })
      .catch(() => resolve(false));
  });
}

/** Ask all pages whether one of them is the window; where nobody answers, be it, and answer from now on. */
function claimByAsking(id: string): Promise<boolean> {
  const channel = new BroadcastChannel(lockOf(id));
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      channel.onmessage = ({ data }) => data === "who" && channel.postMessage("me");
      resolve(true);
    }, ANSWER_MS);
    channel.onmessage = ({ data }) => {
      if (data !== "me") return;
      clearTimeout(timer);
      channel.close();
      resolve(false);
    };
    channel.postMessage("who");
  });
}

/** This page's window, and the windows whose tabs it takes up. */
export type OwnWindow = { readonly id: string; readonly takes: readonly string[] };

/** Be the window that this page was before it was loaded anew, or a fresh one that takes up those of `known` that are gone. */
export async function ownWindow(known: readonly string[]): Promise<OwnWindow> {
  const before = sessionStorage.getItem(SESSION_KEY);
  // A page that the browser duplicated has its twin's id, and finds it taken.
  if (before !== null && (await claim(before, RELOAD_MS))) return { id: before, takes: [before] };
  const id = freshKey();
  sessionStorage.setItem(SESSION_KEY, id);
  const [, ...free] = await Promise.all([id, ...known].map((one) => claim(one, 0)));
  return { id, takes: known.filter((_, index) => free[index]) };
}
