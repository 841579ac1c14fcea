/** What a widget is given and what it may do: the contract that a node pack's own widget will have as well. */
import type { InputSocket } from "../graph/catalogue";
import type { Json } from "../graph/document";

export type KnobProps = {
  readonly socket: InputSocket;
  /** Id of the element that takes the value, for its label. */
  readonly id: string;
  readonly label: string;
  /** What is written in the document; undefined while the default applies. */
  readonly value: Json | undefined;
  /** Set the value; undefined puts the default back. */
  readonly onChange: (value: Json | undefined) => void;
  /** Why the value does not do, in words; or null. */
  readonly problem: string | null;
};

/** The written value, or the default. */
export function effective(props: KnobProps): Json | undefined {
  return props.value === undefined ? props.socket.default : props.value;
}
