import type { Point } from "../graph/document";

/** A cubic Bézier: its ends and the two points between that bend it. */
export type Segment = readonly [Point, Point, Point, Point];
