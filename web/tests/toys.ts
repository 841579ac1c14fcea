/** What the tests of the document share: the real catalogue, as the server gives it, and random editing. */
import * as fc from "fast-check";
import format1 from "../../tests/workflows/format_1.json?raw";
import type { Catalogue, Definitions } from "../src/graph/catalogue";
import { definitionsOf } from "../src/graph/catalogue";
import { copyPart, pasteClip } from "../src/graph/clipboard";
import { nodesOf, type Scope, type ScopePath, scopeAt, type Workflow } from "../src/graph/document";
import * as edits from "../src/graph/edits";
import { moveExposed, renameExposed, toggleExposed } from "../src/graph/exposed";
import { beginHistory, type Edit, type History, perform } from "../src/graph/history";
import { disconnect, removeNodes, removeThrough } from "../src/graph/removing";
import { replaceNode } from "../src/graph/replace";
import { addReroute, moveReroutes, removeReroutes } from "../src/graph/reroutes";
import { scopesOf } from "../src/graph/scopes";
import { makeIndependent, makeSubgraph, renameNode, unpackSubgraph } from "../src/graph/subgraphs";
import realCatalogue from "./catalogue.json";

export const catalogue = realCatalogue as unknown as Catalogue;
export const everyPart: string = format1;

const TYPES = Object.keys(catalogue.nodes);
const NOTHING: Edit = { label: { key: "nothing" }, patches: [] };

/** One random act of a user; numbers choose among what is there. */
export type Act = {
  readonly what: number;
  readonly where: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
};

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list[index % Math.max(list.length, 1)];
}

type Place = {
  workflow: Workflow;
  path: ScopePath;
  scope: Scope;
  definitions: Definitions;
  act: Act;
  node: string;
  other: string;
  input: string;
  output: string;
};

/** Some of the groups and notes of a scope, so that copying them again and again stays small. */
function framesOf({ groups = [], notes = [] }: Scope) {
  return { groups: groups.slice(0, 1), notes: notes.slice(0, 1) };
}

const ACTS: readonly ((place: Place) => Edit)[] = [
  ({ workflow, path, act }) => {
    const definition = catalogue.nodes[pick(TYPES, act.a) ?? ""];
    if (!definition) throw new Error("the catalogue is empty");
    return edits.addNode(workflow, path, definition, [act.b, act.c]).edit;
  },
  ({ workflow, path, node, other }) => removeNodes(workflow, path, new Set([node, other])),
  ({ workflow, path, definitions, node, other }) => removeThrough(workflow, path, definitions, new Set([node, other])),
  ({ workflow, path, act, node }) => edits.moveNodes(workflow, path, new Map([[node, [act.b, act.c]]])),
  ({ workflow, path, act, node, input }) =>
    edits.setInput(workflow, path, { node, input }, act.b % 5 === 0 ? undefined : act.b),
  ({ workflow, path, definitions, node, other, input, output }) =>
    edits.connect(workflow, path, definitions, { node: other, output }, { node, input }),
  ({ workflow, path, node, input }) => disconnect(workflow, path, [{ node, input }]),
  ({ workflow, path, act, node, other }) =>
    pasteClip(
      workflow,
      path,
      copyPart(workflow, path, new Set([node, other]), framesOf(scopeAt(workflow, path))),
      [20, 20],
      {
        keepLinks: act.c % 2 === 0,
        key: "paste",
      },
    ).edit,
  ({ workflow, path, act, node }) => renameNode(workflow, path, node, act.b % 3 === 0 ? "" : `t${act.b}`),
  ({ workflow, path, act, node }) =>
    edits.toggleMode(workflow, path, new Set([node]), act.b % 2 === 0 ? "mute" : "bypass"),
  ({ workflow, path, act }) =>
    edits.setGroups(
      path,
      [...(scopeAt(workflow, path).groups ?? []), { title: `g${act.a}`, at: [act.b, act.c] }],
      "add_group",
    ),
  ({ workflow, path, node, input }) => toggleExposed(workflow, path, "inputs", node, input),
  ({ workflow, path, node, output, other }) => toggleExposed(workflow, path, "outputs", output ? other : node, output),
  ({ workflow, path, definitions, node, other, input }) =>
    edits.insertOnLink(workflow, path, definitions, { node, input }, other),
  ({ workflow, path, act, node, other }) =>
    makeSubgraph(workflow, path, new Set([node, other]), `s${act.c}`).edit ?? NOTHING,
  ({ workflow, path, node }) => unpackSubgraph(workflow, path, node)?.edit ?? NOTHING,
  ({ workflow, path, node }) => makeIndependent(workflow, path, node),
  ({ workflow, path, act, scope }) =>
    renameExposed(workflow, path, "inputs", pick(Object.keys(scope.inputs ?? {}), act.a) ?? "", `in${act.b}`),
  ({ workflow, path, act, scope }) =>
    moveExposed(workflow, path, "outputs", pick(Object.keys(scope.outputs ?? {}), act.a) ?? "", act.b % 3),
  ({ workflow, path, act, node, input }) => addReroute(workflow, path, { node, input }, 0, [act.b, act.c]),
  ({ workflow, path, act, node, input }) =>
    moveReroutes(workflow, path, [{ reroute: { end: { node, input }, index: 0 }, at: [act.b, act.c] }]),
  ({ workflow, path, node, input }) => removeReroutes(workflow, path, [{ end: { node, input }, index: 0 }]),
  ({ workflow, path, act, definitions, node }) => {
    const next = catalogue.nodes[pick(TYPES, act.b) ?? ""];
    return next ? replaceNode(workflow, path, definitions, node, next) : NOTHING;
  },
];

export const anAct: fc.Arbitrary<Act> = fc.record({
  what: fc.nat(ACTS.length - 1),
  where: fc.nat(3),
  a: fc.nat(1000),
  b: fc.nat(1000),
  c: fc.nat(1000),
});

/** The edit that an act stands for in this document; it happens in the workflow itself, or in one of its subgraphs. */
export function editOf(workflow: Workflow, act: Act): Edit {
  const definitions = definitionsOf(workflow, catalogue);
  const path = pick(
    [...scopesOf(workflow)].map((place) => place.path),
    act.where,
  );
  if (!path) throw new Error("there is no scope");
  const scope = scopeAt(workflow, path);
  const ids = Object.keys(nodesOf(scope));
  const node = pick(ids, act.a) ?? "nobody";
  const other = pick(ids, act.b) ?? "nobody";
  const input = pick(definitions(nodesOf(scope)[node]?.type ?? "")?.inputs ?? [], act.c)?.name ?? "nothing";
  const output = pick(definitions(nodesOf(scope)[other]?.type ?? "")?.outputs ?? [], act.c)?.name ?? "nothing";
  const make = ACTS[act.what];
  if (!make) throw new Error("there is no such act");
  return make({ workflow, path, scope, definitions, act, node, other, input, output });
}

export function play(workflow: Workflow, acts: readonly Act[]): History<Workflow> {
  let history = beginHistory(workflow);
  for (const [index, act] of acts.entries()) history = perform(history, editOf(history.document, act), index * 300);
  return history;
}
