/**
 * Which window a page is. Each owns its tabs' drafts alone, by a lock that the browser takes away when the page ends,
 * however it ends; so no window writes over another's. A fresh page takes up the tabs of the windows that are gone.
 */
import { freshKey } from "./ids";

const SESSION_KEY = "kinegraph.window";
/** How long a page that is loaded anew waits for its former self to be gone, in milliseconds; a busy machine takes long. */
const RELOAD_MS = 10_000;
/** How long a window without locks has to say that it lives, in milliseconds. */
const ANSWER_MS = 250;

const lockOf = (id: string) => `kinegraph.window.${id}`;

/**
 * Be the window `id` until the page ends. Returns whether it is now: false when another page is, which is known at
 * once, or for a `patient` one when that page says so.
 */
async function claim(id: string, patient: boolean): Promise<boolean> {
  // Locks exist on secure pages: https, or this machine.
  const mine = navigator.locks ? await lock(id, patient) : !(await isAnswered(id, AbortSignal.timeout(ANSWER_MS)));
  if (mine) {
    const channel = new BroadcastChannel(lockOf(id));
    channel.onmessage = ({ data }) => data === "who" && channel.postMessage("me");
  }
  return mine;
}

/** Take a window's lock. A page that has just ended may hold it for a while; one that lives says so. */
async function lock(id: string, patient: boolean): Promise<boolean> {
  const stop = new AbortController();
  const timer = patient ? setTimeout(() => stop.abort(), RELOAD_MS) : undefined;
  // Not left to the request alone: Chromium may never settle one that is aborted just as it is made.
  const refused = new Promise<boolean>((resolve) => stop.signal.addEventListener("abort", () => resolve(false)));
  if (patient) void isAnswered(id, stop.signal).then((answered) => answered && stop.abort());
  const granted = new Promise<boolean>((resolve) => {
    navigator.locks
      .request(lockOf(id), patient ? { signal: stop.signal } : { ifAvailable: true }, (held) => {
        const mine = held !== null && !stop.signal.aborted;
        resolve(mine);
        return mine ? new Promise(() => undefined) : undefined;
      })
      .catch(() => resolve(false));
  });
  const mine = await Promise.race([granted, refused]);
  clearTimeout(timer);
  // Ends the asking, too.
  stop.abort();
  return mine;
}

/** Whether another page says that it is the window, before the signal. */
function isAnswered(id: string, signal: AbortSignal): Promise<boolean> {
  const channel = new BroadcastChannel(lockOf(id));
  return new Promise((resolve) => {
    const decide = (answered: boolean) => {
      channel.close();
      resolve(answered);
    };
    signal.addEventListener("abort", () => decide(false), { once: true });
    channel.onmessage = ({ data }) => data === "me" && decide(true);
    channel.postMessage("who");
  });
}

/** This page's window, and the windows whose tabs it takes up. */
export type OwnWindow = { readonly id: string; readonly takes: readonly string[] };

/** Be the window that this page was before it was loaded anew, or a fresh one that takes up those of `known` that are gone. */
export async function ownWindow(known: readonly string[]): Promise<OwnWindow> {
  const before = sessionStorage.getItem(SESSION_KEY);
  // A page that the browser duplicated has its twin's id, and finds it taken.
  if (before !== null && (await claim(before, true))) return { id: before, takes: [before] };
  const id = freshKey();
  sessionStorage.setItem(SESSION_KEY, id);
  const [, ...free] = await Promise.all([id, ...known].map((one) => claim(one, false)));
  return { id, takes: known.filter((_, index) => free[index]) };
}
