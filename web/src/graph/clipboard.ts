/** Copied nodes as text for the system's clipboard, so that they cross tabs, windows and chats. */
import {
  inputsOf,
  isLink,
  isObject,
  type Json,
  type JsonObject,
  type NodeInstance,
  nodesOf,
  type Scope,
} from "./document";
import { asWorkflow } from "./read";

/** What is copied is a small workflow of its own: whoever pastes it into a file has a valid document. */
export type Clip = { readonly nodes: { readonly [id: string]: NodeInstance } };

export function copyNodes(scope: Scope, ids: ReadonlySet<string>): Clip {
  return { nodes: Object.fromEntries(Object.entries(nodesOf(scope)).filter(([id]) => ids.has(id))) };
}

export function writeClip(clip: Clip): string {
  return JSON.stringify({ kinegraph: 1, nodes: clip.nodes }, null, 1);
}

/** The nodes in a pasted text, or null when it is something else. */
export function readClip(text: string): Clip | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    const value: Json = JSON.parse(text);
    return isObject(value) ? { nodes: nodesOf(asWorkflow(value)) } : null;
  } catch {
    return null;
  }
}

/** Inputs with links followed through `ids` (old to new); links that lead out of the copied nodes stay or go. */
export function relink(
  inputs: JsonObject,
  ids: ReadonlyMap<string, string>,
  keepOutside: (node: string) => boolean,
): JsonObject {
  const result: Record<string, Json> = {};
  for (const [name, value] of Object.entries(inputs)) {
    if (!isLink(value)) {
      result[name] = value;
      continue;
    }
    const [node, output] = value.link;
    const inside = ids.get(node);
    if (inside !== undefined) result[name] = { ...value, link: [inside, output] };
    else if (keepOutside(node)) result[name] = value;
  }
  return result;
}

export function relinked(
  node: NodeInstance,
  ids: ReadonlyMap<string, string>,
  keepOutside: (node: string) => boolean,
): NodeInstance {
  return node.inputs ? { ...node, inputs: relink(inputsOf(node), ids, keepOutside) } : node;
}
