/** Between one open document and the server: its live plan, its runs, and the job that its canvas shows. */
import { createStore, type StoreApi } from "zustand/vanilla";
import * as client from "../api/client";
import type { EventEntry } from "../api/types";
import type { Services } from "../editor/context";
import type { Editor } from "../editor/store";
import { nodesOf, type Workflow } from "../graph/document";
import { drawSeeds, takeSeeds } from "../graph/edits";
import { applyPatches } from "../graph/patch";
import { t } from "../i18n";
import {
  afterEvent,
  endsJob,
  lostJob,
  NO_RUN,
  newEntry,
  nextOf,
  type RunState,
  showJob,
  withCanceling,
  withJob,
  withJobs,
  withPlan,
} from "../run/state";
import { nextSeed } from "../widgets/seed";
import type { Connection } from "./connection";
import { freshKey } from "./keep/ids";

/** Pause after an edit before the server is asked what it makes of the document. */
const PLAN_DELAY_MS = 350;

/** How the document is to be queued: how often, before what waits, and only for some nodes. */
export type SubmitWish = { readonly front?: boolean; readonly targets?: readonly string[]; readonly count?: number };

export class Runner {
  readonly run: StoreApi<RunState>;
  readonly #editor: Editor;
  readonly #connection: Connection;
  readonly #tell: Services["tell"];
  readonly #leave: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked: AbortController | null = null;
  /** Jobs of the last batch, which the canvas follows from one to the next. */
  #batch: ReadonlySet<string> = new Set();
  #watching = false;

  /** `known` is what another tab knows of the connection and of the jobs. */
  constructor(editor: Editor, connection: Connection, tell: Services["tell"], known: RunState = NO_RUN) {
    this.#editor = editor;
    this.#connection = connection;
    this.#tell = tell;
    this.run = createStore(() => ({ ...NO_RUN, online: known.online, jobs: known.jobs }));
    const stop = this.run.subscribe((now, before) => this.#tellLost(before, now));
    const leave = connection.join({
      onCatalogue: (catalogue) => editor.setCatalogue(catalogue),
      onEvent: (event) => this.#happened(event),
      onOnline: (online) => this.#reached(online),
      onJobs: (jobs) => this.run.setState((state) => withJobs(state, jobs)),
      onQueued: (entry) => this.run.setState((state) => withJob(state, entry)),
    });
    this.#leave = () => {
      stop();
      leave();
    };
  }

  /** Plan as the document changes, while it is the one in view. Returns what ends it. */
  watch(): () => void {
    this.#watching = true;
    this.#planSoon();
    const stop = this.#editor.document.subscribe((state, before) => {
      if (state.history.document !== before.history.document || state.catalogue !== before.catalogue) this.#planSoon();
    });
    return () => {
      stop();
      this.#watching = false;
      clearTimeout(this.#timer);
    };
  }

  /** End it, with the tab. */
  close(): void {
    this.#leave();
    this.#asked?.abort();
  }

  #happened(event: EventEntry): void {
    this.run.setState((state) => afterEvent(state, event));
    // Also a job that was stopped has left results.
    if (endsJob(event)) this.#planSoon();
    if (event.kind === "job_state") this.#goOn();
  }

  /** From a job of a batch that has ended to the next one. */
  #goOn(): void {
    const next = nextOf(this.run.getState(), this.#batch);
    if (next !== null) this.#show(next);
  }

  #tellLost(before: RunState, now: RunState): void {
    const lost = lostJob(before, now);
    if (lost) this.#tell(t("run.lost", { name: lost.title || t("app.untitled") }), "error");
  }

  #reached(online: boolean): void {
    this.run.setState({ online });
    const { shown } = this.run.getState();
    if (!online) return;
    if (shown !== null) this.#connection.replay(shown);
    this.#planSoon();
  }

  /** Show a job's state on the canvas, from its first event on. */
  show(job: string | null): void {
    this.#batch = new Set();
    this.#show(job);
  }

  #show(job: string | null): void {
    this.run.setState((state) => showJob(state, job));
    if (job !== null) this.#connection.replay(job);
  }

  /** Queue the document as it is, with fresh seeds where they are wanted; maybe only what some nodes need. */
  async submit(options: SubmitWish = {}): Promise<void> {
    const batch = new Set<string>();
    while (batch.size < (options.count ?? 1)) if (!(await this.#submitOne(options, batch))) return;
  }

  async #submitOne({ front, targets }: SubmitWish, batch: Set<string>): Promise<boolean> {
    const { workflow: before } = this.#editor;
    const workflow = applyPatches(before, drawSeeds(before, nextSeed).patches).document;
    try {
      const job = await client.submitJob(workflow, {
        key: freshKey(),
        ...(front ? { front } : {}),
        ...(targets ? { targets } : {}),
      });
      // Only now: a refused run uses no seeds up.
      this.#editor.perform(takeSeeds(this.#editor.workflow, workflow));
      this.#connection.queued(newEntry(job.id, job.title, job.created_at));
      this.run.setState({ problems: [], plan: null });
      // Of several, the first is watched, since it runs first; then one after the other.
      if (batch.size === 0) {
        this.show(job.id);
        this.#batch = batch;
      }
      batch.add(job.id);
      this.#goOn(); // a quick one has begun already
      return true;
    } catch (error) {
      this.#refused(error);
      return false;
    }
  }

  /** Queue a job once more; one that is on the canvas gives its place there to the new one. */
  async retry(job: string): Promise<void> {
    await this.act(async () => {
      const again = await client.retryJob(job);
      this.#connection.queued(newEntry(again.id, again.title, again.created_at));
      if (job === this.run.getState().shown || this.#batch.has(job)) this.show(again.id);
    });
  }

  /** Ask for a job to end, and say at once that it was asked for. */
  async cancel(job: string): Promise<void> {
    this.run.setState((state) => withCanceling(state, job, true));
    await this.act(() =>
      client.cancelJob(job).catch((error: unknown) => {
        this.run.setState((state) => withCanceling(state, job, false));
        throw error;
      }),
    );
  }

  #refused(error: unknown): void {
    if (!(error instanceof client.ApiError)) throw error;
    if (error.problems.length > 0) this.run.setState({ problems: error.problems, plan: null });
    this.#tell(t("tell.refused", { message: error.problems[0]?.message ?? error.message }), "error");
  }

  /** Do something with a job that the server may refuse, and say so when it does. */
  async act(action: () => Promise<unknown>): Promise<void> {
    try {
      // Also after a refusal, since the list is behind the server then.
      await action().finally(() => this.#connection.refreshJobs());
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
    if (!this.#watching) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#plan(), PLAN_DELAY_MS);
  }

  async #plan(): Promise<void> {
    this.#asked?.abort();
    const workflow: Workflow = this.#editor.workflow;
    if (Object.keys(nodesOf(workflow)).length === 0) return this.run.setState({ problems: [], plan: null });
    this.#asked = new AbortController();
    try {
      const { summary, steps, estimate_s: estimate } = await client.plan(workflow, this.#asked.signal);
      const plan = { summary, estimate, steps: Object.fromEntries(steps.map((step) => [step.node, step])) };
      this.run.setState((state) => withPlan(state, plan));
    } catch (error) {
      if (error instanceof client.ApiError && error.status === 422)
        this.run.setState({ problems: error.problems, plan: null });
      else if (!(error instanceof client.ApiError || error instanceof DOMException)) throw error;
    }
  }
}
