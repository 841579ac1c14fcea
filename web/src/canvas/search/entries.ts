/** What the search offers, in which order, and what narrows it down. Pure. */
import { type Catalogue, type Definitions, definitionsOf, type NodeDefinition } from "../../graph/catalogue";
import { findInput, findOutput, fits, type InputEnd } from "../../graph/connect";
import { inputsOf, isLink, nodesOf, type Scope, type ScopePath, type Workflow } from "../../graph/document";
import { replacementScore } from "../../graph/replace";
import { wouldNest } from "../../graph/scopes";

export type Entry = {
  readonly title: string;
  readonly words: readonly string[];
  readonly weight: number;
  readonly definition: NodeDefinition;
};

/** What an offered node must have; an empty text asks for nothing. */
export type Filters = {
  readonly takes: string;
  readonly gives: string;
  readonly category: string;
  readonly pack: string;
};
export const NO_FILTERS: Filters = { takes: "", gives: "", category: "", pack: "" };

export type Uses = { readonly [type: string]: number };

/** Types that stand above the categories while nothing is typed. */
const OFTEN = 5;

/** Every node type, and the document's subgraphs that may stand in the open scope. */
export function allDefinitions(catalogue: Catalogue, workflow: Workflow, path: ScopePath): NodeDefinition[] {
  const look = definitionsOf(workflow, catalogue);
  const ids = Object.keys(workflow.subgraphs ?? {}).filter((id) => !wouldNest(workflow, path, id));
  const subgraphs = ids.map((id) => look(`subgraph/${id}`));
  return [...Object.values(catalogue.nodes), ...subgraphs.filter((definition) => definition !== undefined)];
}

export function fitsFilters(definition: NodeDefinition, { takes, gives, category, pack }: Filters): boolean {
  return (
    (takes === "" || definition.inputs.some((socket) => socket.type === takes)) &&
    (gives === "" || definition.outputs.some((socket) => socket.type === gives)) &&
    (category === "" || definition.category === category || definition.category.startsWith(`${category}/`)) &&
    (pack === "" || packOf(definition) === pack)
  );
}

export function packOf(definition: NodeDefinition): string {
  return definition.source?.pack ?? "";
}

/** Whether a node could be at the other end of an open link. */
export function fitsLink(definition: NodeDefinition, side: "input" | "output", type: string): boolean {
  return side === "output"
    ? definition.inputs.some((socket) => fits(type, socket.type))
    : definition.outputs.some((socket) => fits(socket.type, type));
}

/** Whether a node could stand in a link. */
export function fitsInto(scope: Scope, definitions: Definitions, end: InputEnd, definition: NodeDefinition): boolean {
  const value = inputsOf(nodesOf(scope)[end.node] ?? { type: "" })[end.input];
  if (!isLink(value)) return false;
  const from = findOutput(scope, definitions, { node: value.link[0], output: value.link[1] })?.type ?? "any";
  const to = findInput(scope, definitions, end)?.type ?? "any";
  return fitsLink(definition, "output", from) && fitsLink(definition, "input", to);
}

/** The entries of a list, the often used ones first, the others by category; uses weigh in a search as well. */
export function entriesOf(definitions: readonly NodeDefinition[], uses: Uses): Entry[] {
  const entries = definitions.map((definition) => ({
    title: definition.title,
    words: [definition.id, definition.category, ...definition.aliases],
    weight: Math.min(Math.log2(1 + (uses[definition.id] ?? 0)) * 3, 12),
    definition,
  }));
  entries.sort(
    (one, other) =>
      one.definition.category.localeCompare(other.definition.category) || one.title.localeCompare(other.title),
  );
  const often = entries
    .filter((entry) => entry.weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .slice(0, OFTEN);
  return [...often, ...entries.filter((entry) => !often.includes(entry))];
}

/** The entries in the order of how much of a node each type would keep. */
export function forReplacing(entries: readonly Entry[], scope: Scope, definitions: Definitions, id: string): Entry[] {
  const own = scope.nodes?.[id]?.type;
  return entries
    .filter((entry) => entry.definition.id !== own)
    .map((entry) => ({ entry, score: replacementScore(scope, definitions, id, entry.definition) }))
    .sort((one, other) => other.score - one.score)
    .map(({ entry, score }) => ({ ...entry, weight: entry.weight + score * 4 }));
}
