import {
  Box,
  Brush,
  Clapperboard,
  Component,
  Film,
  Hash,
  Image,
  type LucideIcon,
  Music,
  Scissors,
  Sparkles,
  Type,
  Waypoints,
} from "lucide-react";
import type { NodeDefinition } from "../graph/catalogue";

const ICONS: readonly (readonly [prefix: string, icon: LucideIcon])[] = [
  ["models", Box],
  ["text", Type],
  ["latent", Sparkles],
  ["sampling", Brush],
  ["video/edit", Scissors],
  ["video", Film],
  ["image", Image],
  ["audio", Music],
  ["values", Hash],
  ["subgraphs", Component],
  ["logic", Waypoints],
];

/** A sign for what a node is about, in the color of what it gives (or takes, when it gives nothing but a file). */
export function CategoryIcon({
  definition,
  color,
  size = 15,
}: {
  readonly definition: NodeDefinition;
  readonly color: string;
  readonly size?: number;
}) {
  const Icon = ICONS.find(([prefix]) => definition.category.startsWith(prefix))?.[1] ?? Clapperboard;
  return (
    <Icon
      size={size}
      className="category-icon"
      style={{ "--port": color } as React.CSSProperties}
      strokeWidth={2.1}
      aria-hidden
    />
  );
}
