/** Keeps the drafts of all tabs as they change, and says when the browser cannot. */
import type { Tab, Tabs } from "../tabs";
import { draftOf } from "../tabs";
import { type Draft, keep } from "./drafts";
import { NotKeptError } from "./store";

/** Longest time that an edit is not on the disk, in milliseconds. */
const DELAY_MS = 250;

/** Keep drafts from now on; `onTrouble` hears of the first of several failures. Returns what ends it. */
export function keepDrafts(tabs: Tabs, window_id: string, onTrouble: (error: NotKeptError) => void): () => void {
  const keeper = new Keeper(tabs, window_id, onTrouble);
  const flush = () => void keeper.flush();
  const hidden = () => document.visibilityState === "hidden" && flush();
  window.addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", hidden);
  return () => {
    window.removeEventListener("pagehide", flush);
    document.removeEventListener("visibilitychange", hidden);
    keeper.end();
  };
}

class Keeper {
  readonly #tabs: Tabs;
  readonly #window: string;
  readonly #onTrouble: (error: NotKeptError) => void;
  readonly #watched = new Map<Tab, () => void>();
  readonly #changed = new Set<Tab>();
  readonly #closed = new Set<string>();
  readonly #stop: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failing = false;

  constructor(tabs: Tabs, window_id: string, onTrouble: (error: NotKeptError) => void) {
    this.#tabs = tabs;
    this.#window = window_id;
    this.#onTrouble = onTrouble;
    this.#follow();
    this.#stop = tabs.state.subscribe(() => this.#follow());
  }

  end(): void {
    this.#stop();
    for (const stop of this.#watched.values()) stop();
    void this.flush();
  }

  /** Write what has changed. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { list, active } = this.#tabs.state.getState();
    const changed = [...this.#changed];
    const closed = [...this.#closed];
    this.#changed.clear();
    this.#closed.clear();
    const drafts = new Map<string, Draft>(changed.map((tab) => [tab.id, draftOf(tab)]));
    const ids = list.map((tab) => tab.id);
    try {
      await keep(this.#window, ids, active.id, drafts, closed);
      this.#failing = false;
    } catch (error) {
      if (!(error instanceof NotKeptError)) throw error;
      for (const tab of changed) this.#changed.add(tab);
      for (const id of closed) this.#closed.add(id);
      if (!this.#failing) this.#onTrouble(error);
      this.#failing = true;
    }
  }

  #soon(): void {
    // Not put off by further edits: whoever types on is saved meanwhile.
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS);
  }

  #follow(): void {
    const { list } = this.#tabs;
    for (const tab of list) if (!this.#watched.has(tab)) this.#watched.set(tab, this.#watch(tab));
    for (const [tab, stop] of this.#watched) {
      if (list.includes(tab)) continue;
      stop();
      this.#watched.delete(tab);
      this.#changed.delete(tab);
      this.#closed.add(tab.id);
    }
    this.#soon();
  }

  #watch(tab: Tab): () => void {
    const changed = () => {
      this.#changed.add(tab);
      this.#soon();
    };
    changed();
    const stops = [
      tab.editor.document.subscribe((now, before) => {
        if (now.history.document !== before.history.document || now.saved !== before.saved) changed();
      }),
      tab.editor.view.subscribe((now, before) => now.viewport !== before.viewport && changed()),
      tab.runner.run.subscribe((now, before) => now.shown !== before.shown && changed()),
      tab.place.subscribe(changed),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }
}
