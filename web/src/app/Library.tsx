import { useMemo, useState } from "react";
import { toGraph } from "../canvas/window";
import { useDocument } from "../editor/context";
import type { NodeDefinition } from "../graph/catalogue";
import { addNode } from "../graph/edits";
import { rank } from "../graph/search";
import { t } from "../i18n";
import { useWorkplace } from "./workplaceContext";

/** All nodes by category: click to add one in the middle, or drag it to its place. */
export function Library() {
  const place = useWorkplace();
  const nodes = useDocument((state) => state.catalogue.nodes);
  const [query, setQuery] = useState("");
  const groups = useMemo(() => grouped(Object.values(nodes), query), [nodes, query]);

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
              <button
                key={definition.id}
                type="button"
                title={definition.help}
                draggable
                onClick={() => add(definition)}
                onDragEnd={(event) => {
                  const target = document.elementFromPoint(event.clientX, event.clientY);
                  if (target?.closest(".graph")) add(definition, event.clientX, event.clientY);
                }}
              >
                {definition.title}
              </button>
            ))}
          </section>
        ))}
      </div>
    </aside>
  );
}

function grouped(definitions: readonly NodeDefinition[], query: string): [string, NodeDefinition[]][] {
  const found = rank(
    definitions.map((definition) => ({
      title: definition.title,
      words: [definition.id, definition.category, ...definition.aliases],
      definition,
    })),
    query,
  );
  const groups = new Map<string, NodeDefinition[]>();
  for (const { definition } of found)
    groups.set(definition.category, [...(groups.get(definition.category) ?? []), definition]);
  return [...groups].sort(([one], [other]) => (query ? 0 : one.localeCompare(other)));
}
