/** What a node is about, by its sockets. Pure. */
import type { NodeDefinition } from "../graph/catalogue";

/** The type that a node stands for. */
export function mainType(definition: NodeDefinition): string {
  const output = definition.sink ? undefined : definition.outputs[0];
  return (output ?? definition.inputs[0] ?? definition.outputs[0])?.type ?? "any";
}
