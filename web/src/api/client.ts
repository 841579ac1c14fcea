/** Requests to the server: one function an address, typed by what OpenAPI says. No state, no drawing. */
import type {
  CatalogueAnswer,
  ErrorAnswer,
  FileFacts,
  HealthAnswer,
  JobAnswer,
  JobEntry,
  JobList,
  ModelList,
  PeaksAnswer,
  PlanAnswer,
  ProblemEntry,
  QueueAnswer,
  SubmitBody,
  SubmittedJob,
  UploadAnswer,
  UploadList,
  ValidateAnswer,
} from "./types";

const PREFIX = "/api/v1";

/** A refusal of the server, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly problems: readonly ProblemEntry[];

  constructor(status: number, code: string, message: string, hint = "", problems: readonly ProblemEntry[] = []) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.problems = problems;
  }
}

export type Document = { readonly [key: string]: unknown };

export const health = () => get<HealthAnswer>("/health");
export const catalogue = () => get<CatalogueAnswer>("/catalogue");
export const validate = (workflow: Document, signal?: AbortSignal) =>
  post<ValidateAnswer>("/validate", { workflow }, signal);
export const plan = (workflow: Document, signal?: AbortSignal) => post<PlanAnswer>("/plan", { workflow }, signal);
/** A page of jobs, newest first; `cursor` of one page asks for the next. */
export const listJobs = (cursor: string | null = null) =>
  get<JobList>(`/jobs?limit=50${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
export const getJob = (id: string) => get<JobAnswer>(`/jobs/${encodeURIComponent(id)}`);
export const cancelJob = (id: string) => post<JobEntry>(`/jobs/${encodeURIComponent(id)}/cancel`);
export const retryJob = (id: string) => post<SubmittedJob>(`/jobs/${encodeURIComponent(id)}/retry`);
export const moveToFront = (id: string) => post<QueueAnswer>(`/jobs/${encodeURIComponent(id)}/move`, { to: "front" });
export const moveBefore = (id: string, before: string) =>
  post<QueueAnswer>(`/jobs/${encodeURIComponent(id)}/move`, { before });
export const deleteJob = (id: string) => request<void>("DELETE", `/jobs/${encodeURIComponent(id)}`);
export const listModels = () => get<ModelList>("/models");
export const listUploads = () => get<UploadList>("/uploads");

export type SubmitOptions = { readonly key: string; readonly front?: boolean; readonly targets?: readonly string[] };

/** Queue a workflow; `key` makes repeating the request after a lost answer safe. */
export function submitJob(workflow: Document, { key, front, targets }: SubmitOptions): Promise<SubmittedJob> {
  const body: SubmitBody = { workflow, ...(front ? { priority: 1 } : {}), ...(targets ? { targets } : {}) };
  return request<SubmittedJob>("POST", "/jobs", { body, headers: { "Idempotency-Key": key } });
}

/** Send a file as it is; `name` in the answer is what a file input takes. */
export function upload(file: File): Promise<UploadAnswer> {
  const type = /^(image|video|audio)\//.test(file.type) ? file.type : "application/octet-stream";
  return request<UploadAnswer>("POST", `/uploads?name=${encodeURIComponent(file.name)}`, {
    raw: file,
    headers: { "Content-Type": type },
  });
}

export const uploadUrl = (name: string) => `${PREFIX}/uploads/${encodeURIComponent(name)}`;
export const artifactUrl = (digest: string) => `${PREFIX}/artifacts/${encodeURIComponent(digest)}`;

/** What a file is; `src` is one of the two addresses above, here and below. */
export const factsOf = (src: string) => get<FileFacts>(`${src.slice(PREFIX.length)}/facts`);
export const peaksOf = (src: string, count: number) =>
  get<PeaksAnswer>(`${src.slice(PREFIX.length)}/peaks?count=${count}`);
export const stripUrl = (src: string, frames: number) => `${src}/strip?frames=${frames}`;
export const playableUrl = (src: string) => `${src}/playable`;
export const keepAsUpload = (digest: string) => post<UploadAnswer>(`/artifacts/${encodeURIComponent(digest)}/upload`);

/** The module with a pack's own widgets. A refusal is asked for first, because `import` does not say why it failed. */
export async function packScript(pack: string): Promise<unknown> {
  const path = `/packs/${encodeURIComponent(pack)}/widget.js`;
  const response = await send("GET", path);
  // The tag is the script's: an edited one is loaded anew, which the same address would not be.
  const version = encodeURIComponent(response.headers.get("ETag") ?? "");
  return import(/* @vite-ignore */ `${PREFIX}${path}?v=${version}`);
}

/** Address of the websocket that carries the events. */
export function socketUrl(page: Location): string {
  return `${page.protocol === "https:" ? "wss" : "ws"}://${page.host}${PREFIX}/socket`;
}

export const get = <T>(path: string) => request<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}, signal?: AbortSignal) =>
  request<T>("POST", path, { body, ...(signal ? { signal } : {}) });

type Options = {
  readonly body?: unknown;
  readonly raw?: Blob;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
};

/** A request for JSON; `path` begins behind the prefix. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers = { ...(options.body === undefined ? {} : { "Content-Type": "application/json" }), ...options.headers };
  const body = options.raw ?? (options.body === undefined ? null : JSON.stringify(options.body));
  let response: Response;
  try {
    response = await fetch(PREFIX + path, {
      method,
      headers,
      body,
      credentials: "same-origin",
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "the server does not answer");
  }
  if (!response.ok) throw await refusalOf(response);
  return response;
}

async function refusalOf(response: Response): Promise<ApiError> {
  try {
    const { error } = (await response.json()) as ErrorAnswer;
    return new ApiError(response.status, error.code, error.message, error.hint, error.problems);
  } catch {
    return new ApiError(
      response.status,
      `http_${response.status}`,
      response.statusText || "the server failed to answer",
    );
  }
}
