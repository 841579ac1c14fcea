/** Steps, limits and the look of numbers, apart from their drawing. Pure. */
import { type InputSocket, isNumeric } from "../graph/catalogue";

export type Limits = {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly whole: boolean;
  readonly unit: string;
};

export function limitsOf(socket: InputSocket): Limits {
  const widget = socket.widget;
  const numeric = isNumeric(widget) ? widget : undefined;
  const whole = socket.type === "int";
  const min = numeric?.min ?? Number.NEGATIVE_INFINITY;
  const max = numeric?.max ?? Number.POSITIVE_INFINITY;
  const step =
    numeric?.step ??
    (numeric?.kind === "trim" ? undefined : numeric?.multiple_of) ??
    (whole ? 1 : max - min <= 2 ? 0.01 : 0.1);
  return { min, max, step, whole, unit: numeric?.unit ?? "" };
}

/** A number on the grid of steps (counted from zero) and within the limits. */
export function settle(value: number, limits: Limits): number {
  const steps = Math.round(value / limits.step) * limits.step;
  const clean = Number(steps.toFixed(decimals(limits.step)));
  return Math.min(Math.max(clean, limits.min), limits.max);
}

/** At most as many digits as say something; never in exponents for what one types. */
export function format(value: unknown): string {
  if (typeof value !== "number") return value === undefined || value === null ? "" : String(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toFixed(6)));
}

function decimals(step: number): number {
  const text = String(step);
  const dot = text.indexOf(".");
  return dot < 0 ? 0 : Math.min(text.length - dot - 1, 10);
}
