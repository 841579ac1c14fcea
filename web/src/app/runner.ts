/** Between the open document and the server: catalogue, live plan, runs, and events that outlive a lost connection. */
import { createStore, type StoreApi } from "zustand/vanilla";
import * as client from "../api/client";
import { EventStream } from "../api/events";
import type { EventEntry } from "../api/types";
import type { Services } from "../editor/context";
import type { Editor } from "../editor/store";
import type { Catalogue } from "../graph/catalogue";
import { nodesOf, type Workflow } from "../graph/document";
import { drawSeeds } from "../graph/edits";
import { t } from "../i18n";
import { afterEvent, isEnded, NO_RUN, newEntry, type RunState, showJob, withJob, withJobs } from "../run/state";
import { nextSeed } from "../widgets/seed";

/** Pause after an edit before the server is asked what it makes of the document. */
const PLAN_DELAY_MS = 350;

export type Phase = "loading" | "ready" | "signed_out" | "failed";

export class Runner {
  readonly run: StoreApi<RunState> = createStore(() => NO_RUN);
  readonly phase: StoreApi<{ phase: Phase; message: string }> = createStore(() => ({
    phase: "loading" as Phase,
    message: "",
  }));
  readonly #editor: Editor;
  readonly #tell: Services["tell"];
  #stream: EventStream | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked: AbortController | null = null;

  constructor(editor: Editor, tell: Services["tell"]) {
    this.#editor = editor;
    this.#tell = tell;
  }

  /** Load the catalogue, follow the events, and plan as the document changes. Returns what ends it. */
  start(): () => void {
    void this.#load();
    const stop = this.#editor.document.subscribe((state, before) => {
      if (state.history.document !== before.history.document || state.catalogue !== before.catalogue) this.#planSoon();
    });
    const wake = () => this.#stream?.wake();
    window.addEventListener("online", wake);
    document.addEventListener("visibilitychange", wake);
    return () => {
      stop();
      window.removeEventListener("online", wake);
      document.removeEventListener("visibilitychange", wake);
      clearTimeout(this.#timer);
      this.#stream?.close();
    };
  }

  async #load(): Promise<void> {
    try {
      const catalogue = (await client.catalogue()) as unknown as Catalogue;
      this.#editor.setCatalogue(catalogue);
      this.phase.setState({ phase: "ready", message: "" });
    } catch (error) {
      if (!(error instanceof client.ApiError)) throw error;
      this.phase.setState({ phase: error.status === 401 ? "signed_out" : "failed", message: error.message });
      if (error.status !== 401) setTimeout(() => void this.#load(), 2000);
      return;
    }
    this.#stream ??= new EventStream(client.socketUrl(window.location), {
      onEvent: (event) => this.#happened(event),
      onOpen: (resumed) => void this.#connected(resumed),
      onLost: () => this.run.setState({ online: false }),
    });
  }

  #happened(event: EventEntry): void {
    this.run.setState((state) => afterEvent(state, event));
    if (event.kind === "run_finished") this.#planSoon();
  }

  async #connected(resumed: boolean): Promise<void> {
    this.run.setState({ online: true });
    if (resumed) this.#tell(t("app.online"));
    const { jobs } = await client.listJobs();
    this.run.setState((state) => withJobs(state, jobs));
    const { shown } = this.run.getState();
    if (shown !== null) this.#stream?.replay(shown);
    this.#planSoon();
  }

  /** Show a job's state on the canvas, from its first event on. */
  show(job: string | null): void {
    this.run.setState((state) => showJob(state, job));
    if (job !== null) this.#stream?.replay(job);
  }

  /** Queue the document as it is, with fresh seeds where they are wanted; maybe only what some nodes need. */
  async submit(options: { readonly front?: boolean; readonly targets?: readonly string[] } = {}): Promise<void> {
    this.#editor.edit((workflow) => drawSeeds(workflow, nextSeed));
    const workflow = this.#editor.workflow;
    try {
      const job = await client.submitJob(workflow, { key: crypto.randomUUID(), ...options });
      const entry = newEntry(job.id, job.title, job.created_at);
      this.run.setState((state) => ({ ...withJob(state, entry), problems: [], plan: null }));
      this.show(job.id);
    } catch (error) {
      this.#refused(error);
    }
  }

  #refused(error: unknown): void {
    if (!(error instanceof client.ApiError)) throw error;
    if (error.problems.length > 0) this.run.setState({ problems: error.problems, plan: null });
    this.#tell(t("tell.refused", { message: error.problems[0]?.message ?? error.message }), "error");
  }

  /** Do something with a job that the server may refuse, and say so when it does. */
  async act(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
      const { jobs } = await client.listJobs();
      this.run.setState((state) => withJobs(state, jobs));
    } catch (error) {
      if (!(error instanceof client.ApiError)) throw error;
      this.#tell(error.message, "error");
    }
  }

  /** The job that runs now, or the next one to run. */
  get current(): string | null {
    const { jobs } = this.run.getState();
    return (
      (jobs.find((job) => job.entry.state === "running") ?? jobs.findLast((job) => job.entry.state === "queued"))?.entry
        .id ?? null
    );
  }

  #planSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#plan(), PLAN_DELAY_MS);
  }

  async #plan(): Promise<void> {
    this.#asked?.abort();
    const workflow: Workflow = this.#editor.workflow;
    if (Object.keys(nodesOf(workflow)).length === 0) return this.run.setState({ problems: [], plan: null });
    this.#asked = new AbortController();
    try {
      const { summary, steps } = await client.plan(workflow, this.#asked.signal);
      const plan = { summary, steps: Object.fromEntries(steps.map((step) => [step.node, step])) };
      // What was planned before a run says nothing of the nodes that it has finished meanwhile.
      this.run.setState((state) => ({ problems: [], plan: isShownBusy(state) ? null : plan }));
    } catch (error) {
      if (error instanceof client.ApiError && error.status === 422)
        this.run.setState({ problems: error.problems, plan: null });
      else if (!(error instanceof client.ApiError || error instanceof DOMException)) throw error;
    }
  }
}

/** Whether the job on the canvas waits or runs. */
function isShownBusy(state: RunState): boolean {
  const job = state.jobs.find(({ entry }) => entry.id === state.shown);
  return job !== undefined && !isEnded(job.entry);
}
