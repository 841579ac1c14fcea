/** Looks texts up. One language now; others come as tables with the same keys, loaded when they are chosen. */
import { en } from "./en";

export type TextKey = keyof typeof en;
export type Words = { readonly [name: string]: string | number | undefined };

const table: { readonly [key in TextKey]: string } = en;

/** The text of a key, with the given words in the places of `{name}`; for a `count` of 1, that of `key_one` if there is one. */
export function t(key: TextKey, words?: Words): string {
  const one = `${key}_one`;
  const text = words?.["count"] === 1 && Object.hasOwn(table, one) ? table[one as TextKey] : table[key];
  return words ? text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(words[name] ?? "")) : text;
}

/** The text of a key that is put together at run time; the key itself where there is none. */
export function tDynamic(key: string, words?: Words): string {
  return Object.hasOwn(table, key) ? t(key as TextKey, words) : key;
}
