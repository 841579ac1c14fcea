/** Search-to-add. */
export const search = {
  "search.placeholder": "Search nodes",
  "search.placeholder_fit": "Nodes that take {type}",
  "search.placeholder_give": "Nodes that give {type}",
  "search.placeholder_insert": "Nodes that fit into this link",
  "search.placeholder_replace": "What it becomes",
  "search.takes": "Takes…",
  "search.gives": "Gives…",
  "search.category": "Category…",
  "search.pack_filter": "Pack…",
  "search.aliases": "Also: {names}",
  "search.nothing": "No node matches",
  "search.nothing_hint": "Try another word, or fewer letters",
  "search.inputs": "Takes",
  "search.outputs": "Gives",
  "search.pack": "from {pack}",
} as const;
