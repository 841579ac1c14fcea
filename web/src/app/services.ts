/** What the canvas and the widgets may ask for, without knowing the server. */
import * as client from "../api/client";
import type { Services, UsedSeed } from "../editor/context";
import { isObject, type Json, nodesOf, type ScopePath, scopeAt, type Workflow } from "../graph/document";
import { t } from "../i18n";

/** Jobs that are searched for seeds. */
const JOBS_OF_SEEDS = 24;

export function servicesOf(tell: Services["tell"]): Services {
  const workflows = new Map<string, Promise<Workflow>>();
  const scripts = new Map<string, Promise<unknown>>();
  return {
    models: async () => (await client.listModels()).models.map(({ name, size_bytes }) => ({ name, bytes: size_bytes })),
    uploads: async () => (await client.listUploads()).uploads.map((entry) => entry.name),
    upload: async (file) => {
      const { name } = await client.upload(file);
      tell(t("tell.uploaded", { name }));
      return name;
    },
    uploadUrl: client.uploadUrl,
    artifactUrl: client.artifactUrl,
    facts: client.factsOf,
    peaks: async (src, count) => (await client.peaksOf(src, count)).peaks,
    stripUrl: client.stripUrl,
    playableUrl: client.playableUrl,
    keepAsUpload: async (digest) => (await client.keepAsUpload(digest)).name,
    usedSeeds: (path, node, input) => usedSeeds(workflows, path, node, input),
    packScript: (pack) => remembered(scripts, pack, () => client.packScript(pack)),
    tell,
  };
}

/** Seeds of earlier runs, newest first, each once. */
async function usedSeeds(
  workflows: Map<string, Promise<Workflow>>,
  path: ScopePath,
  node: string,
  input: string,
): Promise<readonly UsedSeed[]> {
  const { jobs } = await client.listJobs();
  const found = new Map<number, UsedSeed>();
  for (const job of jobs.slice(0, JOBS_OF_SEEDS)) {
    const read = async () => (await client.getJob(job.id)).workflow as unknown as Workflow;
    // A job that was deleted meanwhile takes only its own seed along.
    const workflow = await remembered(workflows, job.id, read).catch(() => null);
    const seed = workflow && seedIn(workflow, path, node, input);
    if (typeof seed !== "number" || found.has(seed)) continue;
    const picture = job.artifacts.find((artifact) => /^(image|video)\//.test(artifact.media_type));
    found.set(seed, { seed, at: job.created_at, picture: picture ?? null });
  }
  return [...found.values()];
}

function seedIn(workflow: Workflow, path: ScopePath, node: string, input: string): Json | undefined {
  const value = nodesOf(scopeAt(workflow, path))[node]?.inputs?.[input];
  return isObject(value) ? undefined : value;
}

/** The answer that is known already, or a new one; a failure is not remembered. */
function remembered<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const kept = known.get(key);
  if (kept) return kept;
  const asked = ask();
  known.set(key, asked);
  asked.catch(() => known.delete(key));
  return asked;
}
