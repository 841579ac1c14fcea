/** Requests for saved workflows and templates, and for reading documents. */
import { type Document, get, post, request } from "./client";
import type {
  EmbeddedWorkflow,
  MigrateAnswer,
  OpenedTemplate,
  OpenedWorkflow,
  TemplateList,
  VersionList,
  WorkflowEntry,
  WorkflowList,
} from "./types";

const at = (id: string, below = "") => `/workflows/${encodeURIComponent(id)}${below}`;

export const listWorkflows = () => get<WorkflowList>("/workflows");
export const openWorkflow = (id: string) => get<OpenedWorkflow>(at(id));
export const createWorkflow = (workflow: Document) => post<WorkflowEntry>("/workflows", { workflow });

/** Save a new version; refused with 412 when another one was saved since that with `etag`. */
export const saveWorkflow = (id: string, etag: string, workflow: Document) =>
  request<WorkflowEntry>("PUT", at(id), { body: { workflow }, headers: { "If-Match": etag } });

export const renameWorkflow = (id: string, title: string) => post<WorkflowEntry>(at(id, "/rename"), { title });
export const duplicateWorkflow = (id: string, title: string) => post<WorkflowEntry>(at(id, "/duplicate"), { title });
export const deleteWorkflow = (id: string) => request<void>("DELETE", at(id));
export const undeleteWorkflow = (id: string) => post<WorkflowEntry>(at(id, "/undelete"));
export const listVersions = (id: string) => get<VersionList>(at(id, "/versions"));
export const openVersion = (id: string, version: number) => get<OpenedWorkflow>(at(id, `/versions/${version}`));
export const restoreVersion = (id: string, version: number) =>
  post<WorkflowEntry>(at(id, `/versions/${version}/restore`));

export const listTemplates = () => get<TemplateList>("/templates");
export const openTemplate = (name: string) => get<OpenedTemplate>(`/templates/${encodeURIComponent(name)}`);

/** Bring a document's nodes to the versions that are installed; what is unknown stays as it is. */
export const migrate = (workflow: Document) => post<MigrateAnswer>("/documents/migrate", { workflow });

/** The workflow inside a file that the browser cannot read itself. */
export const extract = (file: File) =>
  request<EmbeddedWorkflow>("POST", `/documents/extract?name=${encodeURIComponent(file.name)}`, {
    raw: file,
    headers: { "Content-Type": "application/octet-stream" },
  });
