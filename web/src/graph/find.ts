/** Where words occur in a workflow: titles, types and values of nodes, in all scopes, and groups and notes. Pure. */
import type { Definitions } from "./catalogue";
import { inputsOf, isLink, type NodeInstance, nodesOf, type Scope, type Workflow } from "./document";
import { scopesOf, type Trail, trailTo } from "./scopes";

export type Hit = {
  readonly trail: Trail;
  /** Id on the canvas: a node's, `group:0` or `note:0`. */
  readonly id: string;
  readonly title: string;
  /** What was found, when it is not the title. */
  readonly detail: string;
};

type Candidate = Omit<Hit, "detail"> & { readonly texts: readonly string[] };

/** Characters of a value that are shown around what was found. */
const AROUND = 32;
/** Hits that are shown. */
export const MOST_HITS = 100;

/** What holds all words of the query, in the document's order: one hit more than are shown tells that there are more. */
export function findIn(workflow: Workflow, definitions: Definitions, query: string): Hit[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const hits: Hit[] = [];
  if (words.length === 0) return hits;
  for (const candidate of candidates(workflow, definitions)) {
    const all = [candidate.title, ...candidate.texts];
    if (!words.every((word) => all.some((text) => text.toLowerCase().includes(word)))) continue;
    const { texts, ...hit } = candidate;
    hits.push({ ...hit, detail: detailOf(texts, words) });
    if (hits.length > MOST_HITS) break;
  }
  return hits;
}

function* candidates(workflow: Workflow, definitions: Definitions): Generator<Candidate> {
  for (const { path, scope } of scopesOf(workflow)) {
    const trail = path.length === 0 ? [] : trailTo(workflow, path[1] ?? "");
    if (trail === null) continue;
    for (const [id, node] of Object.entries(nodesOf(scope))) yield nodeCandidate(trail, id, node, definitions);
    yield* frameCandidates(trail, scope);
  }
}

function* frameCandidates(trail: Trail, { groups = [], notes = [] }: Scope): Generator<Candidate> {
  for (const [index, { title = "" }] of groups.entries()) yield { trail, id: `group:${index}`, title, texts: [] };
  for (const [index, { text = "" }] of notes.entries())
    yield { trail, id: `note:${index}`, title: firstLine(text), texts: [text] };
}

function nodeCandidate(trail: Trail, id: string, node: NodeInstance, definitions: Definitions): Candidate {
  const type = definitions(node.type)?.title ?? node.type;
  return { trail, id, title: node.title || type, texts: [type, id, node.type, ...valuesOf(node)] };
}

function valuesOf(node: NodeInstance): string[] {
  return Object.entries(inputsOf(node)).flatMap(([name, value]) =>
    isLink(value) || value === null || typeof value === "object" ? [] : [`${name}: ${value}`],
  );
}

/** The text in which most of the words are, cut to the first of them. */
function detailOf(texts: readonly string[], words: readonly string[]): string {
  const count = (text: string) => words.filter((word) => text.toLowerCase().includes(word)).length;
  const best = texts.reduce((kept, text) => (count(text) > count(kept) ? text : kept), "");
  const first = words.find((word) => best.toLowerCase().includes(word));
  const at = first === undefined ? 0 : best.toLowerCase().indexOf(first);
  const start = Math.max(0, at - AROUND);
  const end = at + (first?.length ?? 0) + AROUND;
  return `${start > 0 ? "…" : ""}${best.slice(start, end)}${end < best.length ? "…" : ""}`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
