/**
 * Text to document and back. Refuses only what the editor could not hold safely (a node that is no object, a number
 * where a name belongs); what a workflow may mean is the server's to judge, and nothing is mended here but places that
 * no canvas can show.
 */
import { isObject, type Json, type JsonObject, pointer, type Workflow } from "./document";
import { withinReach } from "./reach";

export class UnreadableError extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.name = "UnreadableError";
    this.path = path;
  }
}

/**
 * The workflow in a text.
 *
 * @throws UnreadableError The text is no JSON, or no workflow.
 */
export function readWorkflow(text: string): Workflow {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UnreadableError("", `this is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  return asWorkflow(value);
}

/**
 * Plain JSON as a workflow; the value itself is returned, unless something in it lies out of reach.
 *
 * @throws UnreadableError It is none.
 */
export function asWorkflow(value: Json): Workflow {
  const data = requireObject(value, "");
  if (!("kinegraph" in data))
    throw new UnreadableError(
      "",
      isOfComfyUI(data)
        ? "this is a workflow of ComfyUI, which cannot be opened here; build it anew, from a template perhaps"
        : 'this is no workflow: it has no field "kinegraph"',
    );
  if (data["kinegraph"] !== 1)
    throw new UnreadableError(
      "/kinegraph",
      `format ${JSON.stringify(data["kinegraph"])} is unknown here: update Kinegraph`,
    );
  checkScope(data, "");
  for (const [id, scope] of members(data, "subgraphs", ""))
    checkScope(requireObject(scope, pointer("subgraphs", id)), pointer("subgraphs", id));
  return withinReach(data) as unknown as Workflow;
}

/** The document as text: two spaces a level, as other tools write JSON, ending with a line feed. */
export function writeWorkflow(workflow: Workflow): string {
  return `${JSON.stringify(workflow, null, 2)}\n`;
}

function checkScope(scope: JsonObject, path: string): void {
  requireText(scope, "title", path);
  for (const side of ["inputs", "outputs"])
    for (const [name, item] of members(scope, side, path)) {
      const place = path + pointer(side, name);
      requireText(requireObject(item, place), "node", place, true);
      requireText(requireObject(item, place), side.slice(0, -1), place, true);
      checkTargets(requireObject(item, place)["also"], `${place}/also`);
    }
  for (const [id, item] of members(scope, "nodes", path))
    checkNode(requireObject(item, path + pointer("nodes", id)), path + pointer("nodes", id));
  checkFrames(scope, path);
}

function checkFrames(scope: JsonObject, path: string): void {
  for (const name of ["groups", "notes"]) {
    const list = scope[name];
    if (list !== undefined && !Array.isArray(list))
      throw new UnreadableError(path + pointer(name), "a list belongs here");
    for (const [index, item] of (list ?? []).entries()) {
      const place = path + pointer(name, index);
      const frame = requireObject(item, place);
      for (const field of ["title", "text", "color"]) requireText(frame, field, place);
      checkFrame(frame, place);
    }
  }
}

function checkTargets(value: Json | undefined, path: string): void {
  const isPair = (pair: Json) =>
    Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string");
  if (value === undefined || (Array.isArray(value) && value.every(isPair))) return;
  throw new UnreadableError(path, 'pairs of a node and its input belong here: [["node", "input"], ...]');
}

function checkNode(node: JsonObject, path: string): void {
  requireText(node, "type", path, true);
  requireText(node, "title", path);
  requireText(node, "color", path);
  members(node, "inputs", path);
  checkFrame(node, path);
}

function checkFrame(item: JsonObject, path: string): void {
  for (const name of ["at", "size"]) {
    const value = item[name];
    if (value === undefined) continue;
    const isPoint = Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "number");
    if (!isPoint) throw new UnreadableError(path + pointer(name), "two numbers belong here: [x, y]");
  }
}

function members(data: JsonObject, name: string, path: string): [string, Json][] {
  const value = data[name];
  return value === undefined ? [] : Object.entries(requireObject(value, path + pointer(name)));
}

/** Whether this is a document of that editor, or a graph as its API takes it. */
function isOfComfyUI(data: JsonObject): boolean {
  if (Array.isArray(data["nodes"]) && Array.isArray(data["links"])) return true;
  const entries = Object.values(data);
  return entries.length > 0 && entries.every((entry) => isObject(entry) && "class_type" in entry);
}

function requireObject(value: Json, path: string): JsonObject {
  if (isObject(value)) return value;
  throw new UnreadableError(path, "an object belongs here: { ... }");
}

function requireText(data: JsonObject, name: string, path: string, needed = false): void {
  const value = data[name];
  if (typeof value === "string" || (value === undefined && !needed)) return;
  throw new UnreadableError(path + pointer(name), `a text belongs here: "${name}": "..."`);
}
