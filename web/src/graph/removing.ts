/** Taking nodes and links away, alone or so that what flowed through a node flows on. */
import type { Definitions } from "./catalogue";
import { findOutput, fits, type InputEnd } from "./connect";
import {
  inputsOf,
  isLink,
  type Json,
  type Link,
  linksOf,
  nodesOf,
  type Scope,
  type ScopePath,
  scopeAt,
  type Workflow,
} from "./document";
import { retarget } from "./exposed";
import type { Edit } from "./history";
import type { Patch } from "./patch";
import { withoutUnused } from "./scopes";

/** Remove nodes with the links from them, what exposed them, and subgraphs that nothing uses any more. */
export function removeNodes(workflow: Workflow, path: ScopePath, ids: ReadonlySet<string>): Edit {
  return removal(workflow, path, ids, () => undefined);
}

/** Remove nodes and join the links that went through them, as a bypass does while they are there. */
export function removeThrough(
  workflow: Workflow,
  path: ScopePath,
  definitions: Definitions,
  ids: ReadonlySet<string>,
): Edit {
  const scope = scopeAt(workflow, path);
  const edit = removal(workflow, path, ids, (link) => linkPast(scope, definitions, ids, link));
  return { ...edit, label: { ...edit.label, key: "remove_through" } };
}

function removal(
  workflow: Workflow,
  path: ScopePath,
  ids: ReadonlySet<string>,
  instead: (link: Link) => Link | undefined,
): Edit {
  const scope = scopeAt(workflow, path);
  const there = [...ids].filter((id) => Object.hasOwn(nodesOf(scope), id));
  if (there.length === 0) return { label: { key: "nothing" }, patches: [] };
  const patches: Patch[] = [];
  for (const { node, input, link } of linksOf(scope)) {
    if (!ids.has(link.link[0]) || ids.has(node)) continue;
    const place = [...path, "nodes", node, "inputs", input];
    const value = instead(link);
    patches.push(value ? { op: "set", path: place, value } : { op: "remove", path: place });
  }
  patches.push(
    ...retarget(workflow, path, (side, [node, socket]) => {
      if (!ids.has(node)) return [[node, socket]];
      const past = side === "outputs" ? instead({ link: [node, socket] }) : undefined;
      return past ? [past.link] : [];
    }),
  );
  for (const id of there) patches.push({ op: "remove", path: [...path, "nodes", id] });
  return { label: { key: "remove", count: there.length }, patches: withoutUnused(workflow, patches) };
}

/** The link that reaches past removed nodes to the first one that stays; undefined when none fits. */
function linkPast(scope: Scope, definitions: Definitions, ids: ReadonlySet<string>, link: Link): Link | undefined {
  const wanted = typeOf(scope, definitions, link);
  const seen = new Set<string>();
  let current = link;
  while (ids.has(current.link[0])) {
    const [node] = current.link;
    if (seen.has(node)) return undefined;
    seen.add(node);
    const next = linksInto(scope, definitions, node).find((value) => fits(typeOf(scope, definitions, value), wanted));
    if (!next) return undefined;
    current = next;
  }
  return { ...link, link: current.link };
}

function typeOf(scope: Scope, definitions: Definitions, link: Link): string {
  return findOutput(scope, definitions, { node: link.link[0], output: link.link[1] })?.type ?? "any";
}

/** A node's links, in the order in which its type declares its inputs. */
function linksInto(scope: Scope, definitions: Definitions, id: string): Link[] {
  const node = nodesOf(scope)[id];
  if (!node) return [];
  const inputs = inputsOf(node);
  const names = definitions(node.type)?.inputs.map((socket) => socket.name) ?? Object.keys(inputs);
  return names.map((name): Json | undefined => inputs[name]).filter(isLink);
}

/** Cut links; an input that is not linked is left alone. */
export function disconnect(workflow: Workflow, path: ScopePath, ends: readonly InputEnd[]): Edit {
  const nodes = nodesOf(scopeAt(workflow, path));
  const patches: Patch[] = [];
  for (const end of ends) {
    const node = nodes[end.node];
    if (node && isLink(inputsOf(node)[end.input]))
      patches.push({ op: "remove", path: [...path, "nodes", end.node, "inputs", end.input] });
  }
  return { label: { key: "disconnect", count: patches.length }, patches };
}
