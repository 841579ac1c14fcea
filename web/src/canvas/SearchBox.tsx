import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useDocument, useEditor, useView } from "../editor/context";
import type { SearchRequest } from "../editor/store";
import { definitionsOf, type NodeDefinition } from "../graph/catalogue";
import { fits } from "../graph/connect";
import type { ScopePath } from "../graph/document";
import { addConnected, addNode } from "../graph/edits";
import { replaceNode } from "../graph/replace";
import { wouldNest } from "../graph/scopes";
import { rank } from "../graph/search";
import { t } from "../i18n";
import { CategoryIcon } from "./CategoryIcon";
import { useCanvas } from "./context";
import { mainType } from "./mainType";
import { HEADER } from "./shape";
import { words } from "./words";

/** Search-to-add: opens where it was asked for, offers what fits, and shows what each node is. */
export function SearchBox() {
  const request = useView((view) => view.search);
  return request ? <OpenSearch request={request} /> : null;
}

type Entry = { readonly title: string; readonly words: readonly string[]; readonly definition: NodeDefinition };

/** Most entries that are drawn; whoever wants another types a letter more. */
const SHOWN = 60;
/** The pack that comes with Kinegraph, which needs no mention. */
const BUILT_IN = "nodes";
const WIDTH = 620;
const HEIGHT = 420;

function OpenSearch({ request }: { readonly request: SearchRequest }) {
  const editor = useEditor();
  const catalogue = useDocument((state) => state.catalogue);
  const workflow = useDocument((state) => state.history.document);
  const { colorOf } = useCanvas();
  const [query, setQuery] = useState("");
  const [index, setIndex] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const entries = useMemo(
    () => entriesFor(allDefinitions(catalogue.nodes, workflow, catalogue, editor.path), request),
    [catalogue, workflow, request, editor],
  );
  const found = useMemo(() => rank(entries, query).slice(0, SHOWN), [entries, query]);
  const current = found[Math.min(index, found.length - 1)];
  const close = () => editor.view.setState({ search: null });

  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  });
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as globalThis.Node)) editor.view.setState({ search: null });
    };
    window.addEventListener("pointerdown", outside, true);
    return () => window.removeEventListener("pointerdown", outside, true);
  }, [editor]);

  function pick(entry: Entry | undefined) {
    if (!entry) return;
    close();
    place(editor, request, entry.definition);
  }

  function onKeyDown(event: KeyboardEvent) {
    event.stopPropagation();
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown") setIndex((now) => Math.min(now + 1, found.length - 1));
    else if (event.key === "ArrowUp") setIndex((now) => Math.max(now - 1, 0));
    else if (event.key === "Enter") pick(current);
    else return;
    event.preventDefault();
  }

  const link = request.link;
  const hint = link
    ? t(link.from.side === "output" ? "search.placeholder_fit" : "search.placeholder_give", { type: link.type })
    : t("search.placeholder");
  const left = Math.max(12, Math.min(request.screen[0] - 40, window.innerWidth - WIDTH - 12));
  const top = Math.max(12, Math.min(request.screen[1] - 24, window.innerHeight - HEIGHT - 12));
  return (
    <div className="search popup" ref={box} style={{ left, top }} role="dialog" aria-label={t("cmd.search")}>
      <input
        // biome-ignore lint/a11y/noAutofocus: the search box was asked for in order to type
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls="search-list"
        aria-activedescendant={current ? `search-${current.definition.id}` : undefined}
        placeholder={hint}
        value={query}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setQuery(event.target.value);
          setIndex(0);
        }}
        onKeyDown={onKeyDown}
      />
      {found.length === 0 ? (
        <div className="empty">
          <strong>{t("search.nothing")}</strong>
          <span>{t("search.nothing_hint")}</span>
        </div>
      ) : (
        <div className="search-columns">
          <div id="search-list" ref={list} role="listbox" aria-label={t("cmd.search")}>
            {found.map((entry, place) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus
              <div
                key={entry.definition.id}
                id={`search-${entry.definition.id}`}
                role="option"
                tabIndex={-1}
                aria-selected={entry === current}
                onPointerMove={() => setIndex(place)}
                onClick={() => pick(entry)}
              >
                <CategoryIcon definition={entry.definition} color={colorOf(mainType(entry.definition))} size={14} />
                <span>{entry.title}</span>
                <em>{entry.definition.category}</em>
              </div>
            ))}
          </div>
          {current && <HelpCard definition={current.definition} />}
        </div>
      )}
    </div>
  );
}

/** What a node is, what it takes and what it gives. */
export function HelpCard({ definition }: { readonly definition: NodeDefinition }) {
  const canvas = useCanvas();
  const sides = [
    ["search.inputs", definition.inputs.filter((socket) => !socket.advanced)],
    ["search.outputs", definition.outputs],
  ] as const;
  return (
    <div className="help-card">
      <h4>{definition.title}</h4>
      <p>{definition.help.split("\n\n")[0]}</p>
      {sides.map(([key, sockets]) =>
        sockets.length === 0 ? null : (
          <section key={key}>
            <h5>{t(key)}</h5>
            {sockets.map((socket) => (
              <div key={socket.name} className="help-socket" title={socket.help}>
                <i style={{ background: canvas.colorOf(socket.type) }} />
                <span>{words(socket.name)}</span>
                <em>{socket.type}</em>
              </div>
            ))}
          </section>
        ),
      )}
      <footer>
        {definition.id}
        {definition.source && definition.source.pack !== BUILT_IN
          ? ` · ${t("search.pack", { pack: definition.source.pack })}`
          : ""}
      </footer>
    </div>
  );
}

function allDefinitions(
  nodes: { readonly [type: string]: NodeDefinition },
  workflow: Parameters<typeof definitionsOf>[0],
  catalogue: Parameters<typeof definitionsOf>[1],
  path: ScopePath,
): NodeDefinition[] {
  const look = definitionsOf(workflow, catalogue);
  const ids = Object.keys(workflow.subgraphs ?? {}).filter((id) => !wouldNest(workflow, path, id));
  const subgraphs = ids.map((id) => look(`subgraph/${id}`));
  return [...Object.values(nodes), ...subgraphs.filter((definition) => definition !== undefined)];
}

/** What can be added: all nodes, or those that the open link fits. */
function entriesFor(definitions: readonly NodeDefinition[], request: SearchRequest): Entry[] {
  const link = request.link;
  const fitting = definitions.filter((definition) => {
    if (!link) return true;
    if (link.from.side === "output") return definition.inputs.some((socket) => fits(link.type, socket.type));
    return definition.outputs.some((socket) => fits(socket.type, link.type));
  });
  const entries = fitting.map((definition) => ({
    title: definition.title,
    words: [definition.id, definition.category, ...definition.aliases],
    definition,
  }));
  return entries.sort(
    (one, other) =>
      one.definition.category.localeCompare(other.definition.category) || one.title.localeCompare(other.title),
  );
}

function place(editor: ReturnType<typeof useEditor>, request: SearchRequest, definition: NodeDefinition): void {
  const { workflow, path, definitions } = editor;
  const { link, replace } = request;
  if (replace !== undefined) {
    editor.perform(replaceNode(workflow, path, definitions, replace, definition));
    return;
  }
  // The port lands about where the link was let go.
  const shift = link?.from.side === "input" ? 240 : 0;
  const at = [request.at[0] - shift, request.at[1] - HEADER - 16] as const;
  const { edit, id } = link
    ? addConnected(
        workflow,
        path,
        definitions,
        definition,
        at,
        link.from.side === "output" ? { from: link.from.end } : { to: link.from.end },
      )
    : addNode(workflow, path, definition, [request.at[0], request.at[1] - HEADER / 2]);
  editor.perform(edit);
  editor.select([id]);
}
