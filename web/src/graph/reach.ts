/**
 * Places that the canvas can show. A number without measure would make the browser draw nothing at all, so what lies
 * further away than any graph is large comes back to the edge; all else of a document stays as it is.
 */
import { isObject, type Json, type JsonObject } from "./document";

/** The furthest place from the middle, in pixels of the graph. */
export const REACH = 1_000_000;

/** A workflow, or one of its subgraphs, with everything within reach; the value itself where it is so already. */
export function withinReach(scope: JsonObject): JsonObject {
  return changed(scope, (name, value) => {
    if (name === "nodes") return each(value, nodeWithin);
    if (name === "groups" || name === "notes") return each(value, frameWithin);
    return name === "subgraphs" ? each(value, withinReach) : value;
  });
}

function nodeWithin(node: JsonObject): JsonObject {
  return changed(frameWithin(node), (name, value) => (name === "inputs" ? each(value, linkWithin) : value));
}

function frameWithin(item: JsonObject): JsonObject {
  return changed(item, (name, value) => (name === "at" || name === "size" ? pointWithin(value) : value));
}

/** A link with the points that it passes. */
function linkWithin(link: JsonObject): JsonObject {
  return changed(link, (name, value) => (name === "via" ? list(value, pointWithin) : value));
}

function pointWithin(point: Json): Json {
  return list(point, (part) => (typeof part === "number" ? Math.min(Math.max(part, -REACH), REACH) : part));
}

/** Every object in a list, or in an object by its names. */
function each(value: Json, within: (item: JsonObject) => JsonObject): Json {
  const one = (item: Json) => (isObject(item) ? within(item) : item);
  return isObject(value) ? changed(value, (_, item) => one(item)) : list(value, one);
}

function list(value: Json, within: (item: Json) => Json): Json {
  if (!Array.isArray(value)) return value;
  const items = value.map(within);
  return items.every((item, index) => item === value[index]) ? value : items;
}

function changed(item: JsonObject, within: (name: string, value: Json) => Json): JsonObject {
  const entries = Object.entries(item).map(([name, value]) => [name, within(name, value)] as const);
  return entries.every(([name, value]) => value === item[name]) ? item : Object.fromEntries(entries);
}
