/** What a node pack's own widget is given and gives back: the contract that docs/guide/nodes.md describes. */
import type { InputSocket } from "../graph/catalogue";
import type { Json } from "../graph/document";

/** What a widget of a pack knows. */
export type PackKnob = {
  readonly id: string;
  readonly label: string;
  readonly value: Json | undefined;
  readonly onChange: (value: Json | undefined) => void;
  readonly problem: string | null;
  readonly socket: InputSocket;
  readonly options: { readonly [name: string]: Json };
  readonly theme: "dark" | "light";
};

/** A widget that is drawn. */
export type Mounted = {
  /** Show a value that came from elsewhere. */
  readonly update?: (knob: PackKnob) => void;
  readonly unmount?: () => void;
};

export type PackWidgetDefinition = {
  readonly mount: (element: HTMLElement, knob: PackKnob) => Mounted | undefined;
};

/**
 * The widget of a name in a pack's module.
 *
 * @throws Error that says what the module lacks.
 */
export function widgetIn(module: unknown, name: string): PackWidgetDefinition {
  const widgets = isRecord(module) ? module["default"] : undefined;
  if (!isRecord(widgets)) throw new Error("its widget.js has no default export that holds widgets");
  const widget = Object.hasOwn(widgets, name) ? widgets[name] : undefined;
  if (!isRecord(widget)) throw new Error(`its widget.js has no widget “${name}”`);
  if (typeof widget["mount"] !== "function") throw new Error(`its widget “${name}” has no function mount`);
  return widget as PackWidgetDefinition;
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null;
}
