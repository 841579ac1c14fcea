/** Links that are picked from a list. */
export const links = {
  "links.link": "Link {name} with",
  "links.cut": "Cut a link of {name}",
  "links.follow": "Go along a link of {name}",
  "links.nothing": "No link of this node matches",
  "links.nothing_fits": "No port that fits matches",
  "links.replaces": "{type}, instead of {name}",
  "links.to_new": "{name} → a new node…",
  "links.from_new": "{name} ← a new node…",
} as const;
