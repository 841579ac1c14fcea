/** Ids, sizes and colors of groups and notes on the canvas. */
import type { Point } from "../graph/document";

/** Before a group's place in its list, where a node has its id. */
export const GROUP_PREFIX = "group:";
export const NOTE_PREFIX = "note:";

/** For those that say no size. */
export const GROUP_SIZE: Point = [420, 280];
export const NOTE_SIZE: Point = [240, 120];

/** Names of the colors, in their order; texts have them under `color.`. */
export const COLOR_NAMES = ["violet", "teal", "amber", "rose", "blue", "gray"] as const;
export const GROUP_COLORS = ["#6d5cff", "#2f9e8f", "#c77d2e", "#c2497a", "#3d7bd9", "#6f7683"] as const;
