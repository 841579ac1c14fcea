import { Star } from "lucide-react";
import { useMemo, useState } from "react";
import { useStore } from "zustand";
import { allDefinitions } from "../canvas/search/entries";
import { countUse, kept, toggleBookmark } from "../canvas/search/uses";
import { toGraph } from "../canvas/window";
import { useDocument } from "../editor/context";
import type { NodeDefinition } from "../graph/catalogue";
import { addNode } from "../graph/edits";
import { rank } from "../graph/search";
import { t } from "../i18n";
import { useWorkplace } from "./workplaceContext";

/** All nodes by category, bookmarked ones first: click to add one in the middle, or drag it to its place. */
export function Library() {
  const place = useWorkplace();
  const catalogue = useDocument((state) => state.catalogue);
  const workflow = useDocument((state) => state.history.document);
  const path = useDocument((state) => state.scope);
  const bookmarks = useStore(kept, (state) => state.bookmarks);
  const [query, setQuery] = useState("");
  const groups = useMemo(
    () => grouped(allDefinitions(catalogue, workflow, path), query, bookmarks),
    [catalogue, workflow, path, query, bookmarks],
  );

  function add(definition: NodeDefinition, clientX?: number, clientY?: number) {
    const { editor } = place;
    const canvas = document.querySelector(".graph")?.getBoundingClientRect();
    if (!canvas) return;
    const { viewport, size } = editor.view.getState();
    const local =
      clientX === undefined || clientY === undefined
        ? ([size[0] / 2 - 120, size[1] / 2 - 80] as const)
        : ([clientX - canvas.left, clientY - canvas.top] as const);
    const { edit, id } = addNode(editor.workflow, editor.path, definition, toGraph(viewport, local));
    countUse(definition.id);
    editor.perform(edit);
    editor.select([id]);
  }

  return (
    <aside className="library" aria-label={t("library.title")}>
      <input
        type="search"
        placeholder={t("search.placeholder")}
        aria-label={t("search.placeholder")}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      <div className="library-list">
        {groups.map(([category, definitions]) => (
          <section key={category}>
            <h3>{category}</h3>
            {definitions.map((definition) => (
              <LibraryEntry
                key={definition.id}
                definition={definition}
                marked={bookmarks.includes(definition.id)}
                onAdd={add}
              />
            ))}
          </section>
        ))}
      </div>
    </aside>
  );
}

type LibraryEntryProps = {
  readonly definition: NodeDefinition;
  readonly marked: boolean;
  readonly onAdd: (definition: NodeDefinition, clientX?: number, clientY?: number) => void;
};

function LibraryEntry({ definition, marked, onAdd }: LibraryEntryProps) {
  const label = t(marked ? "library.unmark" : "library.mark", { name: definition.title });
  return (
    <div className="library-entry">
      <button
        type="button"
        title={definition.help}
        draggable
        onClick={() => onAdd(definition)}
        onDragEnd={(event) => {
          const target = document.elementFromPoint(event.clientX, event.clientY);
          if (target?.closest(".graph")) onAdd(definition, event.clientX, event.clientY);
        }}
      >
        {definition.title}
      </button>
      <button
        type="button"
        className="library-star"
        aria-pressed={marked}
        aria-label={label}
        title={label}
        onClick={() => toggleBookmark(definition.id)}
      >
        <Star size={13} fill={marked ? "currentColor" : "none"} />
      </button>
    </div>
  );
}

function grouped(
  definitions: readonly NodeDefinition[],
  query: string,
  bookmarks: readonly string[],
): [string, NodeDefinition[]][] {
  const entries = definitions.map((definition) => ({
    title: definition.title,
    words: [definition.id, definition.category, ...definition.aliases],
    definition,
  }));
  const found = rank(entries, query).map((entry) => entry.definition);
  const groups = new Map<string, NodeDefinition[]>();
  for (const definition of found)
    groups.set(definition.category, [...(groups.get(definition.category) ?? []), definition]);
  const sorted = [...groups].sort(([one], [other]) => (query ? 0 : one.localeCompare(other)));
  const marked = bookmarks.flatMap((id) => found.find((definition) => definition.id === id) ?? []);
  return marked.length > 0 ? [[t("library.bookmarks"), marked], ...sorted] : sorted;
}
