/** What the tests of the document share: the real catalogue, as the server gives it, and random editing. */
import * as fc from "fast-check";
import type { Catalogue } from "../src/graph/catalogue";
import { definitionsOf } from "../src/graph/catalogue";
import { copyNodes } from "../src/graph/clipboard";
import { nodesOf, ROOT, type Workflow } from "../src/graph/document";
import * as edits from "../src/graph/edits";
import type { Edit } from "../src/graph/history";
import realCatalogue from "./catalogue.json";
import format1 from "../../tests/workflows/format_1.json?raw";

export const catalogue = realCatalogue as unknown as Catalogue;
export const everyPart: string = format1;

const TYPES = Object.keys(catalogue.nodes);

/** One random act of a user; numbers choose among what is there. */
export type Act = { readonly what: number; readonly a: number; readonly b: number; readonly c: number };

export const anAct: fc.Arbitrary<Act> = fc.record({ what: fc.nat(13), a: fc.nat(1000), b: fc.nat(1000), c: fc.nat(1000) });

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list[index % Math.max(list.length, 1)];
}

/** The edit that an act stands for in this document. */
export function editOf(workflow: Workflow, act: Act): Edit {
  const definitions = definitionsOf(workflow, catalogue);
  const ids = Object.keys(nodesOf(workflow));
  const node = pick(ids, act.a) ?? "nobody";
  const other = pick(ids, act.b) ?? "nobody";
  const definition = definitions(nodesOf(workflow)[node]?.type ?? "");
  const input = pick(definition?.inputs ?? [], act.c)?.name ?? "nothing";
  const output = pick(definitions(nodesOf(workflow)[other]?.type ?? "")?.outputs ?? [], act.c)?.name ?? "nothing";
  const newType = catalogue.nodes[pick(TYPES, act.a) ?? ""];
  switch (act.what) {
    case 0:
    case 1:
      return newType ? edits.addNode(workflow, ROOT, newType, [act.b, act.c]).edit : edits.moveNodes(workflow, ROOT, new Map());
    case 2:
      return edits.removeNodes(workflow, ROOT, new Set([node, other]));
    case 3:
      return edits.moveNodes(workflow, ROOT, new Map([[node, [act.b, act.c]]]));
    case 4:
      return edits.setInput(workflow, ROOT, { node, input }, act.b % 5 === 0 ? undefined : act.b);
    case 5:
    case 6:
      return edits.connect(workflow, ROOT, definitions, { node: other, output }, { node, input });
    case 7:
      return edits.disconnect(workflow, ROOT, [{ node, input }]);
    case 8:
      return edits.pasteNodes(workflow, ROOT, copyNodes(workflow, new Set([node, other])), [20, 20], { keepLinks: act.c % 2 === 0, key: "paste" }).edit;
    case 9:
      return edits.setField(workflow, ROOT, [node], "title", act.b % 3 === 0 ? undefined : `t${act.b}`);
    case 10:
      return edits.toggleMode(workflow, ROOT, new Set([node]), act.b % 2 === 0 ? "mute" : "bypass");
    case 11:
      return edits.setGroups([...(workflow.groups ?? []), { title: `g${act.a}`, at: [act.b, act.c] }], "add_group");
    case 12:
      return edits.toggleExposed(workflow, ROOT, { node, input });
    default:
      return edits.insertOnLink(workflow, ROOT, definitions, { node, input }, other);
  }
}
