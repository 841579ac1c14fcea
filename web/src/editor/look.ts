/** How the canvas looks and moves, as the user likes it. */
export type LinkStyle = "spline" | "straight" | "angled" | "hidden";

export type Look = {
  /** How links run; hidden ones are drawn for selected nodes only. */
  readonly links: LinkStyle;
  /** Whether nodes snap to the grid. */
  readonly snap: boolean;
  /** What a drag on the empty canvas does: move the view, or draw a box that selects. */
  readonly drag: "pan" | "select";
  /** What the wheel does: zoom, or move the view. */
  readonly wheel: "zoom" | "pan";
  /** Whether nothing moves by itself. */
  readonly still: boolean;
};

export const USUAL_LOOK: Look = { links: "spline", snap: true, drag: "pan", wheel: "zoom", still: false };

/** The shape of the lines that are drawn in a style. */
export function shapeOfLinks(style: LinkStyle): "curved" | "straight" | "angled" {
  return style === "straight" || style === "angled" ? style : "curved";
}
