/** Names for what is new. */
import { nodesOf, type Scope } from "./document";

/** A fresh id for a node of a type: `denoise`, `denoise_2`, ... It has no slash and never looks like an array index. */
export function freshId(taken: { has(id: string): boolean }, type: string): string {
  const word = type.slice(type.lastIndexOf("/") + 1).replaceAll(/[^\p{L}\p{N}_-]/gu, "_") || "node";
  const base = /^\d+$/.test(word) ? `node_${word}` : word;
  let id = base;
  for (let count = 2; taken.has(id); count += 1) id = `${base}_${count}`;
  return id;
}

/** A fresh id for a copy of what has the id: `denoise_2` is copied to `denoise_3`. */
export function copyId(taken: { has(id: string): boolean }, id: string): string {
  return freshId(taken, id.replace(/_\d+$/, ""));
}

/** The ids of a scope's nodes, as `freshId` takes them. */
export function takenIds(scope: Scope): { has(id: string): boolean } {
  return { has: (id) => Object.hasOwn(nodesOf(scope), id) };
}
