/** Whether a document differs from how it was saved, also after an edit was undone or done again by hand. */
import { isObject, type Json } from "../graph/document";
import type { DocumentState } from "./store";

/** Whether two values of JSON say the same; parts that they share are not looked into. */
export function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((value, index) => sameJson(value, other[index]));
  if (!isObject(one) || !isObject(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && sameJson(one[name], other[name]))
  );
}

export function isChanged({ history, saved }: DocumentState): boolean {
  return !sameJson(history.document as unknown as Json, saved as unknown as Json);
}
