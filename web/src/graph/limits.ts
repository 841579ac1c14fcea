/** The limits of a knob, told while one types. They mirror the server's, which alone decides. */
import { type InputSocket, isNumeric } from "./catalogue";
import { isObject, type Json } from "./document";

/** Why a constant does not fit: a key into the table of texts, and the number or words that go into it. */
export type LimitProblem = {
  readonly code:
    | "not_a_number"
    | "not_whole"
    | "too_small"
    | "too_large"
    | "off_grid"
    | "too_long"
    | "not_an_option"
    | "not_a_color"
    | "wrong_file_type"
    | "missing";
  readonly limit?: string;
};

/** The problem with a constant, or null. Links are not judged. */
export function refuseConstant(socket: InputSocket, value: Json | undefined): LimitProblem | null {
  if (value === undefined) return socket.required ? { code: "missing" } : null;
  if (isObject(value) || (value === null && socket.nullable)) return null;
  if (socket.widget?.kind === "choice")
    return socket.widget.options.some((option) => option === value) ? null : { code: "not_an_option" };
  if (socket.type === "int" || socket.type === "float") return refuseNumber(socket, value);
  return typeof value === "string" ? refuseText(socket, value) : null;
}

function refuseNumber(socket: InputSocket, value: Json): LimitProblem | null {
  if (typeof value !== "number" || !Number.isFinite(value)) return { code: "not_a_number" };
  if (socket.type === "int" && !Number.isInteger(value)) return { code: "not_whole" };
  const widget = socket.widget;
  if (!isNumeric(widget)) return null;
  if (widget.min !== undefined && value < widget.min) return { code: "too_small", limit: String(widget.min) };
  if (widget.max !== undefined && value > widget.max) return { code: "too_large", limit: String(widget.max) };
  if (widget.multiple_of && value % widget.multiple_of !== 0)
    return { code: "off_grid", limit: String(widget.multiple_of) };
  return null;
}

function refuseText(socket: InputSocket, value: string): LimitProblem | null {
  const widget = socket.widget;
  if (widget?.kind === "text" && value.length > widget.max_length)
    return { code: "too_long", limit: String(widget.max_length) };
  if (widget?.kind === "color" && !/^#[0-9a-f]{6}$/i.test(value)) return { code: "not_a_color" };
  if (widget?.kind === "file") {
    if (value === "") return { code: "missing" };
    const known = widget.extensions.length === 0 || widget.extensions.some((end) => value.toLowerCase().endsWith(end));
    if (!known) return { code: "wrong_file_type", limit: widget.extensions.join(", ") };
  }
  return null;
}
