/** The one connection of a window to the server: catalogue, events and the list of jobs, handed to every open tab. */
import { createStore, type StoreApi } from "zustand/vanilla";
import * as client from "../api/client";
import { EventStream } from "../api/events";
import type { EventEntry, JobEntry } from "../api/types";
import type { Services } from "../editor/context";
import { type Catalogue, EMPTY_CATALOGUE } from "../graph/catalogue";
import { t } from "../i18n";

export type Phase = "loading" | "ready" | "signed_out" | "failed";

/** What a tab wants to hear. */
export type Listener = {
  readonly onCatalogue: (catalogue: Catalogue) => void;
  readonly onEvent: (event: EventEntry) => void;
  readonly onOnline: (online: boolean) => void;
  /** The list of jobs, as it stands now. */
  readonly onJobs: (entries: readonly JobEntry[]) => void;
  /** A job that another tab has just queued. */
  readonly onQueued: (entry: JobEntry) => void;
};

const RETRY_MS = 2000;

export class Connection {
  readonly phase: StoreApi<{ phase: Phase; message: string }> = createStore(() => ({
    phase: "loading" as Phase,
    message: "",
  }));
  readonly #tell: Services["tell"];
  readonly #listeners = new Set<Listener>();
  #stream: EventStream | null = null;
  #catalogue: Catalogue = EMPTY_CATALOGUE;
  #closed = false;

  constructor(tell: Services["tell"]) {
    this.#tell = tell;
  }

  get catalogue(): Catalogue {
    return this.#catalogue;
  }

  /** Load the catalogue and follow the events. Returns what ends it. */
  start(): () => void {
    this.#closed = false;
    void this.#load();
    const wake = () => this.#stream?.wake();
    window.addEventListener("online", wake);
    document.addEventListener("visibilitychange", wake);
    return () => {
      this.#closed = true;
      window.removeEventListener("online", wake);
      document.removeEventListener("visibilitychange", wake);
      this.#stream?.close();
      this.#stream = null;
    };
  }

  /** Take part in what comes from the server; returns what ends it. */
  join(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ask for all events of a job from its first one on. */
  replay(job: string): void {
    this.#stream?.replay(job);
  }

  /** Ask how the jobs stand, and tell every tab. */
  async refreshJobs(): Promise<void> {
    const { jobs } = await client.listJobs();
    this.#each((listener) => listener.onJobs(jobs));
  }

  queued(entry: JobEntry): void {
    this.#each((listener) => listener.onQueued(entry));
  }

  /** Ask for the catalogue again, for packs that have changed meanwhile. */
  async reload(): Promise<void> {
    await this.#load();
    const { phase, message } = this.phase.getState();
    if (phase !== "ready") this.#tell(t("app.catalogue_failed", { message }), "error");
    else this.#tell(t("app.reloaded", { count: Object.keys(this.#catalogue.nodes).length }));
  }

  async #load(): Promise<void> {
    try {
      this.#catalogue = (await client.catalogue()) as unknown as Catalogue;
    } catch (error) {
      if (!(error instanceof client.ApiError)) throw error;
      this.phase.setState({ phase: error.status === 401 ? "signed_out" : "failed", message: error.message });
      if (error.status !== 401 && !this.#closed) setTimeout(() => void this.#load(), RETRY_MS);
      return;
    }
    this.#each((listener) => listener.onCatalogue(this.#catalogue));
    this.phase.setState({ phase: "ready", message: "" });
    if (this.#closed) return;
    this.#stream ??= new EventStream(client.socketUrl(window.location), {
      onEvent: (event) => this.#each((listener) => listener.onEvent(event)),
      onOpen: (resumed) => void this.#connected(resumed),
      onLost: () => this.#each((listener) => listener.onOnline(false)),
    });
  }

  async #connected(resumed: boolean): Promise<void> {
    if (resumed) this.#tell(t("app.online"));
    try {
      await this.refreshJobs();
    } catch (error) {
      // The list comes with the next refresh; the events tell of the jobs meanwhile.
      if (!(error instanceof client.ApiError)) throw error;
    }
    this.#each((listener) => listener.onOnline(true));
  }

  #each(tell: (listener: Listener) => void): void {
    for (const listener of this.#listeners) tell(listener);
  }
}
