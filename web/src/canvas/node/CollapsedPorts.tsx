import type { NodeDefinition } from "../../graph/catalogue";
import { inputsOf, isLink, type NodeInstance } from "../../graph/document";
import { Port } from "../Port";

/** The ports that a collapsed node still shows. */
export function CollapsedPorts({
  id,
  node,
  definition,
}: {
  readonly id: string;
  readonly node: NodeInstance;
  readonly definition: NodeDefinition;
}) {
  const linked = definition.inputs.filter((socket) => isLink(inputsOf(node)[socket.name]));
  return (
    <div className="collapsed-ports">
      {linked[0] && <span className="stub in" />}
      {definition.outputs[0] && (
        <Port
          side="output"
          node={id}
          name={definition.outputs[0].name}
          type={definition.outputs[0].type}
          help=""
          linked={false}
        />
      )}
    </div>
  );
}
