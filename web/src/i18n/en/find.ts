/** Find in the workflow. */
export const find = {
  "find.placeholder": "Title, type or value",
  "find.hint": "Finds nodes, values, groups and notes, in subgraphs too. ↑ ↓ go through them.",
  "find.results": "Found",
  "find.nothing": "Nothing found",
  "find.count": "{count} found",
  "find.more": "More than {count} found: these are the first",
} as const;
