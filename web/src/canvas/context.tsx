/** What the parts of the canvas share: the scene as it is drawn now, and from the screen to the graph. */
import { createContext, type RefObject, useContext } from "react";
import type { Point } from "../graph/document";
import type { Scene } from "./scene";

export type CanvasParts = {
  readonly scene: RefObject<Scene>;
  /** Whether the nodes are painted rather than mounted, because the view holds too many or is too far away. */
  readonly far: RefObject<boolean>;
  readonly root: RefObject<HTMLDivElement | null>;
  /** A point of the page in the graph's coordinates. */
  readonly toGraph: (clientX: number, clientY: number) => Point;
  readonly colorOf: (type: string) => string;
};

const CanvasContext = createContext<CanvasParts | null>(null);
export const CanvasProvider = CanvasContext.Provider;

export function useCanvas(): CanvasParts {
  const parts = useContext(CanvasContext);
  if (!parts) throw new Error("this is drawn outside of a canvas");
  return parts;
}
