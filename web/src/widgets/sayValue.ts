/** Values that came out of a run, in a few words. Pure. */
import { format } from "./number";

/** A number, a text or a switch as a knob shows it; null for what is not known or is no such value. */
export function sayValue(value: unknown): string | null {
  if (typeof value === "number") return format(value);
  if (typeof value === "string") return value === "" ? "“”" : value.replaceAll(/\s+/g, " ");
  return typeof value === "boolean" ? (value ? "✓" : "✗") : null;
}
