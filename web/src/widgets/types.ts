/** What a widget is given and what it may do. */
import type { UsedSeed } from "../editor/context";
import type { InputSocket } from "../graph/catalogue";
import type { Json } from "../graph/document";
import type { SeedMode } from "../graph/edits";

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
  readonly node: KnobNode;
};

/** What a widget may know and do of the node that it stands on. */
export type KnobNode = {
  /** Pack that the node's type is from. */
  readonly pack: string;
  /** The value of another knob, or its default; undefined while that is linked. */
  readonly valueOf: (name: string) => Json | undefined;
  readonly setInput: (name: string, value: Json | undefined) => void;
  readonly seedMode: SeedMode;
  readonly setSeedMode: (mode: SeedMode) => void;
  readonly usedSeeds: () => Promise<readonly UsedSeed[]>;
  /** Make a text area higher or lower by so many pixels; null gives it back to what it holds. */
  readonly resize: (pixels: number | null) => void;
};

/** The written value, or the default. */
export function effective(props: Pick<KnobProps, "value" | "socket">): Json | undefined {
  return props.value === undefined ? props.socket.default : props.value;
}
