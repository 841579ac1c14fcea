/**
 * The named inputs and outputs of a workflow or subgraph: promoting a socket, renaming, ordering and hiding it again.
 * What stands outside follows: the values on the subgraph's instances, links to them, and scopes that expose them.
 */
import {
  type Exposed,
  exposuresOf,
  inputsOf,
  isLink,
  type Json,
  linksFrom,
  nodesOf,
  type Scope,
  type ScopePath,
  type Side,
  scopeAt,
  type Target,
  targetsOf,
  type Workflow,
  withTargets,
} from "./document";
import type { Edit } from "./history";
import { freshId } from "./ids";
import type { Patch } from "./patch";
import { instancesOf, type Place } from "./scopes";

type Instance = Place & { readonly id: string };

/** Under which name a scope exposes a socket of one of its nodes. */
export function exposedName(
  workflow: Workflow,
  path: ScopePath,
  side: Side,
  node: string,
  socket: string,
): string | undefined {
  return namesOf(scopeAt(workflow, path)).get(JSON.stringify([side, node, socket]));
}

const known = new WeakMap<Scope, ReadonlyMap<string, string>>();

/** Exposed names by what they stand for; kept, since every port that is drawn asks for its own. */
function namesOf(scope: Scope): ReadonlyMap<string, string> {
  const kept = known.get(scope);
  if (kept) return kept;
  const entries = [...exposuresOf(scope)].reverse();
  const names = new Map(entries.map((one) => [JSON.stringify([one.side, one.node, one.socket]), one.name]));
  known.set(scope, names);
  return names;
}

/** Expose a socket of a node under a free name, or hide it again. */
export function toggleExposed(workflow: Workflow, path: ScopePath, side: Side, node: string, socket: string): Edit {
  const known = exposedName(workflow, path, side, node, socket);
  if (known !== undefined) return hideTarget(workflow, path, side, known, [node, socket]);
  const taken = new Map(Object.entries(scopeAt(workflow, path)[side] ?? {}));
  const value = side === "inputs" ? { node, input: socket } : { node, output: socket };
  return {
    label: { key: side === "inputs" ? "expose_input" : "expose_output", name: socket },
    patches: [{ op: "set", path: [...path, side, freshId(taken, socket)], value }],
  };
}

/** Hide one of the sockets that a name stands for; the name goes with the last of them. */
function hideTarget(workflow: Workflow, path: ScopePath, side: Side, name: string, target: Target): Edit {
  const edit = hideExposed(workflow, path, side, name);
  const patches = retarget(workflow, path, (other, one) => (other === side && isSame(one, target) ? [] : [one]));
  const staysFor = patches.some((patch) => patch.op === "set" && patch.path.at(-1) === name);
  return staysFor ? { ...edit, patches } : edit;
}

const isSame = (one: Target, other: Target) => one[0] === other[0] && one[1] === other[1];

/** Hide what is exposed under a name. A constant that the only instance gave to it is kept inside. */
export function hideExposed(workflow: Workflow, path: ScopePath, side: Side, name: string): Edit {
  const exposed = scopeAt(workflow, path)[side]?.[name];
  const [, subgraph] = path;
  const patches: Patch[] = [];
  if (side === "inputs" && subgraph !== undefined && exposed) {
    const [only, another] = instancesOf(workflow, subgraph);
    const given = only && inputsOf(nodesOf(only.scope)[only.id] ?? { type: "" })[name];
    for (const [node, socket] of another || given === undefined || isLink(given) ? [] : targetsOf(exposed, side))
      patches.push({ op: "set", path: [...path, "nodes", node, "inputs", socket], value: given ?? null });
  }
  patches.push(...forget(workflow, path, side, name));
  return { label: { key: side === "inputs" ? "hide_input" : "hide_output", name }, patches };
}

/**
 * Let the exposed names of a scope stand for other sockets: `to` says for each what takes its place. A name that then
 * stands for nothing is taken away, with what depends on it.
 */
export function retarget(
  workflow: Workflow,
  path: ScopePath,
  to: (side: Side, target: Target) => readonly Target[],
): Patch[] {
  const patches: Patch[] = [];
  for (const side of ["inputs", "outputs"] as const)
    for (const [name, exposed] of Object.entries(scopeAt(workflow, path)[side] ?? {})) {
      const before = targetsOf(exposed, side);
      const after = before.flatMap((target) => to(side, target));
      if (JSON.stringify(before) === JSON.stringify(after)) continue;
      const next = withTargets(exposed, side, after);
      if (next) patches.push({ op: "set", path: [...path, side, name], value: next });
      else patches.push(...forget(workflow, path, side, name));
    }
  return patches;
}

/** Take an exposed name away with all that depends on it, outwards through every scope that passes it on. */
export function forget(workflow: Workflow, path: ScopePath, side: Side, name: string): Patch[] {
  const patches: Patch[] = [{ op: "remove", path: [...path, side, name] }];
  const [, subgraph] = path;
  if (subgraph === undefined) return patches;
  for (const instance of instancesOf(workflow, subgraph)) {
    for (const place of meant(instance, side, name)) patches.push({ op: "remove", path: place });
    const target: Target = [instance.id, name];
    patches.push(
      ...retarget(workflow, instance.path, (other, one) => (other === side && isSame(one, target) ? [] : [one])),
    );
  }
  return patches;
}

/** Where a socket of an instance is spoken of beside it: its value there, or the links from it. */
function meant({ path, scope, id }: Instance, side: Side, name: string): string[][] {
  if (side === "inputs") return [[...path, "nodes", id, "inputs", name]];
  return linksFrom(scope, id, name).map(({ node, input }) => [...path, "nodes", node, "inputs", input]);
}

/** Give an exposed socket another name; a taken or empty one changes nothing. */
export function renameExposed(workflow: Workflow, path: ScopePath, side: Side, name: string, wanted: string): Edit {
  const named = scopeAt(workflow, path)[side] ?? {};
  const next = wanted.trim().replaceAll(/[=\p{Cc}]/gu, "");
  const label = { key: "rename_exposed", name: next };
  if (next === "" || Object.hasOwn(named, next) || !Object.hasOwn(named, name)) return { label, patches: [] };
  const patches: Patch[] = [{ op: "set", path: [...path, side], value: withKey(named, name, next) }];
  const [, subgraph] = path;
  for (const instance of subgraph === undefined ? [] : instancesOf(workflow, subgraph)) {
    patches.push(...(side === "inputs" ? renamedInput : renamedOutput)(instance, name, next));
    const target: Target = [instance.id, name];
    const renamed = (other: Side, one: Target): Target[] => [
      other === side && isSame(one, target) ? [instance.id, next] : one,
    ];
    patches.push(...retarget(workflow, instance.path, renamed));
  }
  return { label, patches };
}

function renamedInput({ path, scope, id }: Instance, name: string, next: string): Patch[] {
  const inputs = inputsOf(nodesOf(scope)[id] ?? { type: "" });
  if (!Object.hasOwn(inputs, name)) return [];
  return [{ op: "set", path: [...path, "nodes", id, "inputs"], value: withKey(inputs, name, next) }];
}

function renamedOutput({ path, scope, id }: Instance, name: string, next: string): Patch[] {
  return linksFrom(scope, id, name).map(({ node, input, link }) => ({
    op: "set",
    path: [...path, "nodes", node, "inputs", input],
    value: { ...link, link: [id, next] },
  }));
}

/** Give an exposed socket a title for people; an empty one takes it away. */
export function setExposedTitle(workflow: Workflow, path: ScopePath, side: Side, name: string, title: string): Edit {
  const label = { key: "title_exposed", name };
  if (!Object.hasOwn(scopeAt(workflow, path)[side] ?? {}, name)) return { label, patches: [] };
  const place = [...path, side, name, "title"];
  const text = title.trim();
  return { label, patches: [text === "" ? { op: "remove", path: place } : { op: "set", path: place, value: text }] };
}

/** Move an exposed socket to another place in the list. */
export function moveExposed(workflow: Workflow, path: ScopePath, side: Side, name: string, to: number): Edit {
  const entries = Object.entries(scopeAt(workflow, path)[side] ?? {});
  const from = entries.findIndex(([key]) => key === name);
  const label = { key: "reorder_exposed", name };
  const [entry] = from < 0 ? [] : entries.splice(from, 1);
  const place = Math.max(0, Math.min(to, entries.length));
  if (!entry || place === from) return { label, patches: [] };
  entries.splice(place, 0, entry);
  return { label, patches: [{ op: "set", path: [...path, side], value: Object.fromEntries(entries) }] };
}

function withKey(object: { readonly [key: string]: Json | Exposed }, key: string, next: string): Json {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name === key ? next : name, value as Json]));
}
