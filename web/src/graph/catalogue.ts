/** What the server says of node types, and looking them up; instances of subgraphs get a definition from the document. */
import { exposuresOf, isObject, type Json, type Scope, SUBGRAPH_PREFIX, type Workflow } from "./document";

export type NumberWidget = {
  readonly kind: "number" | "slider" | "seed";
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly multiple_of?: number;
  readonly unit?: string;
};

/** Where a part of a file starts; `file` and `length` name the knobs with the file and with the part's length. */
export type TrimWidget = Omit<NumberWidget, "kind"> & {
  readonly kind: "trim";
  readonly file: string;
  readonly length: string;
};

/** Drawn by the node's own pack, in a place of this height. */
export type PackWidget = {
  readonly kind: "pack";
  readonly name: string;
  readonly height: number;
  readonly options: { readonly [name: string]: Json };
};

export type Widget =
  | { readonly kind: "plain" }
  | NumberWidget
  | TrimWidget
  | PackWidget
  | { readonly kind: "text"; readonly multiline: boolean; readonly placeholder?: string; readonly max_length: number }
  | { readonly kind: "color" }
  | { readonly kind: "choice"; readonly options: readonly (string | number)[] }
  | { readonly kind: "toggle" }
  | { readonly kind: "file"; readonly root: "uploads" | "outputs" | "models"; readonly extensions: readonly string[] };

export function isNumeric(widget: Widget | undefined): widget is NumberWidget | TrimWidget {
  return ["number", "slider", "seed", "trim"].includes(widget?.kind ?? "");
}

export type InputSocket = {
  readonly name: string;
  readonly type: string;
  /** Takes links only. */
  readonly wire: boolean;
  readonly required: boolean;
  readonly default?: Json;
  readonly widget?: Widget;
  readonly shown_if?: { readonly input: string; readonly values: readonly Json[] };
  readonly nullable?: boolean;
  readonly advanced?: boolean;
  readonly help: string;
};

export type OutputSocket = { readonly name: string; readonly type: string; readonly help: string };

export type NodeDefinition = {
  readonly id: string;
  readonly version: number;
  readonly title: string;
  readonly category: string;
  readonly help: string;
  readonly inputs: readonly InputSocket[];
  readonly outputs: readonly OutputSocket[];
  /** Worth running for its effect. */
  readonly sink: boolean;
  readonly aliases: readonly string[];
  readonly source?: { readonly pack: string };
};

export type SocketType = { readonly name: string; readonly color: string; readonly help: string };

export type Catalogue = {
  readonly nodes: { readonly [type: string]: NodeDefinition };
  readonly sockets: { readonly [name: string]: SocketType };
};

export const EMPTY_CATALOGUE: Catalogue = { nodes: {}, sockets: {} };

/** Definitions by node type: the catalogue's, and those of the document's subgraphs. */
export type Definitions = (type: string) => NodeDefinition | undefined;

/** How deep subgraphs may stand inside one another before the editor gives up, as the server does. */
const MAX_DEPTH = 64;

/** A lookup for one state of the document; results are kept, so ask the same one while the document stays. */
export function definitionsOf(workflow: Workflow, catalogue: Catalogue): Definitions {
  const known = new Map<string, NodeDefinition | undefined>();
  function look(type: string, depth: number): NodeDefinition | undefined {
    if (!type.startsWith(SUBGRAPH_PREFIX))
      return Object.hasOwn(catalogue.nodes, type) ? catalogue.nodes[type] : undefined;
    if (known.has(type)) return known.get(type);
    const id = type.slice(SUBGRAPH_PREFIX.length);
    const scope = workflow.subgraphs?.[id];
    const definition =
      scope && depth < MAX_DEPTH ? ofSubgraph(type, scope, (inner) => look(inner, depth + 1)) : undefined;
    if (depth === 0) known.set(type, definition);
    return definition;
  }
  return (type) => look(type, 0);
}

function ofSubgraph(type: string, scope: Scope, definitions: Definitions): NodeDefinition {
  const inputs: InputSocket[] = [];
  const outputs: OutputSocket[] = [];
  for (const { side, name, node, socket, isFirst } of exposuresOf(scope)) {
    const instance = isFirst ? scope.nodes?.[node] : undefined;
    const found = instance && socketInside(definitions(instance.type), side, socket);
    if (!found) continue;
    if (side === "inputs") inputs.push({ ...ANYTHING, ...found, ...setInside(instance?.inputs?.[socket]), name });
    else outputs.push({ name, type: found.type, help: found.help });
  }
  const title = scope.title ?? type.slice(SUBGRAPH_PREFIX.length);
  return { id: type, version: 1, title, category: "subgraphs", help: "", inputs, outputs, sink: false, aliases: [] };
}

/** A socket of a node inside. Of an unknown type nothing can be said, but what is linked through it must be seen. */
function socketInside(
  definition: NodeDefinition | undefined,
  side: "inputs" | "outputs",
  socket: string,
): InputSocket | OutputSocket | undefined {
  if (!definition) return ANYTHING;
  const sockets: readonly (InputSocket | OutputSocket)[] = definition[side];
  return sockets.find((entry) => entry.name === socket);
}

const ANYTHING: InputSocket = { name: "", type: "any", wire: true, required: false, help: "" };

/** What a value inside means outside: it is what applies while the instance says nothing. */
function setInside(value: Json | undefined): { readonly default?: Json; readonly required?: false } {
  if (value === undefined) return {};
  return isObject(value) ? { required: false } : { default: value, required: false };
}

/** Whether a knob is to be drawn, by what the knob that it depends on holds. */
export function isShown(
  socket: InputSocket,
  definition: NodeDefinition,
  inputs: { readonly [name: string]: Json },
): boolean {
  const condition = socket.shown_if;
  if (!condition) return true;
  const other = definition.inputs.find((entry) => entry.name === condition.input);
  const value = inputs[condition.input] ?? other?.default;
  // While the other knob is linked, nobody knows its value: show everything.
  return value === undefined || isObject(value) || condition.values.includes(value);
}

/** Whether a knob is a text of several lines. */
export function isArea(socket: InputSocket): boolean {
  return socket.widget?.kind === "text" && socket.widget.multiline;
}
