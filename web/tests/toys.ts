/** What the tests of the document share: the real catalogue, as the server gives it, and random editing. */
import * as fc from "fast-check";
import format1 from "../../tests/workflows/format_1.json?raw";
import type { Catalogue } from "../src/graph/catalogue";
import { definitionsOf } from "../src/graph/catalogue";
import { copyNodes } from "../src/graph/clipboard";
import { nodesOf, ROOT, type Workflow } from "../src/graph/document";
import * as edits from "../src/graph/edits";
import type { Edit } from "../src/graph/history";
import realCatalogue from "./catalogue.json";

export const catalogue = realCatalogue as unknown as Catalogue;
export const everyPart: string = format1;

const TYPES = Object.keys(catalogue.nodes);

/** One random act of a user; numbers choose among what is there. */
export type Act = { readonly what: number; readonly a: number; readonly b: number; readonly c: number };

export const anAct: fc.Arbitrary<Act> = fc.record({
  what: fc.nat(13),
  a: fc.nat(1000),
  b: fc.nat(1000),
  c: fc.nat(1000),
});

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list[index % Math.max(list.length, 1)];
}

type Place = { workflow: Workflow; act: Act; node: string; other: string; input: string; output: string };

const ACTS: readonly ((place: Place) => Edit)[] = [
  ({ workflow, act }) => {
    const definition = catalogue.nodes[pick(TYPES, act.a) ?? ""];
    if (!definition) throw new Error("the catalogue is empty");
    return edits.addNode(workflow, ROOT, definition, [act.b, act.c]).edit;
  },
  ({ workflow, node, other }) => edits.removeNodes(workflow, ROOT, new Set([node, other])),
  ({ workflow, act, node }) => edits.moveNodes(workflow, ROOT, new Map([[node, [act.b, act.c]]])),
  ({ workflow, act, node, input }) =>
    edits.setInput(workflow, ROOT, { node, input }, act.b % 5 === 0 ? undefined : act.b),
  ({ workflow, node, other, input, output }) =>
    edits.connect(workflow, ROOT, definitionsOf(workflow, catalogue), { node: other, output }, { node, input }),
  ({ workflow, node, input }) => edits.disconnect(workflow, ROOT, [{ node, input }]),
  ({ workflow, act, node, other }) =>
    edits.pasteNodes(workflow, ROOT, copyNodes(workflow, new Set([node, other])), [20, 20], {
      keepLinks: act.c % 2 === 0,
      key: "paste",
    }).edit,
  ({ workflow, act, node }) =>
    edits.setField(workflow, ROOT, [node], "title", act.b % 3 === 0 ? undefined : `t${act.b}`),
  ({ workflow, act, node }) => edits.toggleMode(workflow, ROOT, new Set([node]), act.b % 2 === 0 ? "mute" : "bypass"),
  ({ workflow, act }) =>
    edits.setGroups([...(workflow.groups ?? []), { title: `g${act.a}`, at: [act.b, act.c] }], "add_group"),
  ({ workflow, node, input }) => edits.toggleExposed(workflow, ROOT, { node, input }),
  ({ workflow, node, other, input }) =>
    edits.insertOnLink(workflow, ROOT, definitionsOf(workflow, catalogue), { node, input }, other),
];

/** The edit that an act stands for in this document. */
export function editOf(workflow: Workflow, act: Act): Edit {
  const definitions = definitionsOf(workflow, catalogue);
  const ids = Object.keys(nodesOf(workflow));
  const node = pick(ids, act.a) ?? "nobody";
  const other = pick(ids, act.b) ?? "nobody";
  const input = pick(definitions(nodesOf(workflow)[node]?.type ?? "")?.inputs ?? [], act.c)?.name ?? "nothing";
  const output = pick(definitions(nodesOf(workflow)[other]?.type ?? "")?.outputs ?? [], act.c)?.name ?? "nothing";
  const make = pick(ACTS, act.what);
  if (!make) throw new Error("there are no acts");
  return make({ workflow, act, node, other, input, output });
}
