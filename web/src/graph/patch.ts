/**
 * Patches: the smallest changes of a document, plain data that can be stored, undone and, one day, sent to others.
 * Applying one copies the path that it changes and shares the rest. Nothing here knows what a workflow is.
 */
import { isObject, type Json, type JsonObject } from "./document";

export type Path = readonly string[];

/**
 * Put `value` at `path`, or take away what is there. A new key goes before the key `before`, or to the end; that is
 * how an undone removal gets back to its old place.
 */
export type Patch =
  | { readonly op: "set"; readonly path: Path; readonly value: Json; readonly before?: string }
  | { readonly op: "remove"; readonly path: Path };

/** The value at a path, or undefined. */
export function valueAt(document: Json, path: Path): Json | undefined {
  let value: Json | undefined = document;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** The document after the patches, and the patches that lead back. */
export function applyPatches<T>(document: T, patches: readonly Patch[]): { document: T; inverse: Patch[] } {
  let value = document as Json;
  const inverse: Patch[] = [];
  for (const patch of patches) {
    inverse.unshift(...inverseOf(value, patch));
    value = applyOne(value, patch, 0);
  }
  return { document: value as T, inverse };
}

function inverseOf(document: Json, patch: Patch): Patch[] {
  const parent = valueAt(document, patch.path.slice(0, -1));
  const key = patch.path.at(-1);
  if (key === undefined) return [{ op: "set", path: [], value: document }];
  if (!isObject(parent)) {
    // The set makes the objects on its way; undoing it takes the first of them away.
    if (patch.op === "remove") return [];
    return [{ op: "remove", path: firstMissing(document, patch.path) }];
  }
  const old = Object.hasOwn(parent, key) ? parent[key] : undefined;
  if (old === undefined) return patch.op === "set" ? [{ op: "remove", path: patch.path }] : [];
  const keys = Object.keys(parent);
  const before = keys[keys.indexOf(key) + 1];
  return [{ op: "set", path: patch.path, value: old, ...(before === undefined ? {} : { before }) }];
}

function firstMissing(document: Json, path: Path): Path {
  let length = 1;
  while (valueAt(document, path.slice(0, length)) !== undefined) length += 1;
  return path.slice(0, length);
}

function applyOne(value: Json | undefined, patch: Patch, depth: number): Json {
  const key = patch.path[depth];
  if (key === undefined) return patch.op === "set" ? patch.value : null;
  const parent: JsonObject = isObject(value) ? value : {};
  if (depth < patch.path.length - 1) {
    if (patch.op === "remove" && !Object.hasOwn(parent, key)) return parent;
    return withKey(parent, key, applyOne(Object.hasOwn(parent, key) ? parent[key] : undefined, patch, depth + 1));
  }
  if (patch.op === "set") return withKey(parent, key, patch.value, patch.before);
  return Object.fromEntries(Object.entries(parent).filter(([name]) => name !== key));
}

function withKey(parent: JsonObject, key: string, value: Json, before?: string): JsonObject {
  if (Object.hasOwn(parent, key) || before === undefined || !Object.hasOwn(parent, before)) {
    const copy: Record<string, Json> = { ...parent };
    // An ordinary assignment to "__proto__" would be lost; a document may use any name.
    Object.defineProperty(copy, key, { value, writable: true, enumerable: true, configurable: true });
    return copy;
  }
  const entries = Object.entries(parent);
  entries.splice(
    entries.findIndex(([name]) => name === before),
    0,
    [key, value],
  );
  return Object.fromEntries(entries);
}
