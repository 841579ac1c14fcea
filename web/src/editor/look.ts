/** How the canvas looks and moves, as the user likes it. */
export type LinkStyle = "spline" | "straight" | "hidden";

export type Look = {
  /** How links run; hidden ones are drawn for selected nodes only. */
  readonly links: LinkStyle;
  /** Whether nodes snap to the grid. */
  readonly snap: boolean;
  /** Whether nothing moves by itself. */
  readonly still: boolean;
};

export const USUAL_LOOK: Look = { links: "spline", snap: true, still: false };
