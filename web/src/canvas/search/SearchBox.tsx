import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import { useDocument, useEditor, useView } from "../../editor/context";
import type { SearchRequest } from "../../editor/store";
import type { NodeDefinition } from "../../graph/catalogue";
import { addConnected, addNode, addOnLink } from "../../graph/edits";
import { replaceNode } from "../../graph/replace";
import { rank } from "../../graph/search";
import { t } from "../../i18n";
import { CategoryIcon } from "../CategoryIcon";
import { useCanvas } from "../context";
import { controlsIn, enterCards, focusCard } from "../keyboard/focus";
import { mainType } from "../mainType";
import { HEADER } from "../shape";
import {
  allDefinitions,
  type Entry,
  entriesOf,
  fitsFilters,
  fitsInto,
  fitsLink,
  forReplacing,
  NO_FILTERS,
} from "./entries";
import { FilterBar } from "./FilterBar";
import { HelpCard } from "./HelpCard";
import { countUse, kept } from "./uses";

/** Search-to-add: opens where it was asked for, offers what fits, and shows what each node is. */
export function SearchBox() {
  const request = useView((view) => view.search);
  return request ? <OpenSearch request={request} /> : null;
}

/** Most entries that are drawn; whoever wants another types a letter more. */
const SHOWN = 60;
const WIDTH = 620;
const HEIGHT = 452;

function OpenSearch({ request }: { readonly request: SearchRequest }) {
  const editor = useEditor();
  const [query, setQuery] = useState("");
  const [filters, setFilters] = useState(NO_FILTERS);
  const [index, setIndex] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const offered = useOffered(request);
  const found = useMemo(() => {
    const fitting = offered.filter((entry) => fitsFilters(entry.definition, filters));
    return rank(fitting, query).slice(0, SHOWN);
  }, [offered, filters, query]);
  const definitions = useMemo(() => offered.map((entry) => entry.definition), [offered]);
  const current = found[Math.min(index, found.length - 1)];
  const close = () => editor.view.setState({ search: null });
  useOutside(box, close);

  function pick(entry: Entry | undefined) {
    if (!entry) return;
    close();
    countUse(entry.definition.id);
    const id = place(editor, request, entry.definition);
    if (request.byKey) focusCard(editor, id);
    else editor.select([id]);
  }

  /** Give the keyboard back to the cards, or where there are none to what else is on the page: Tab goes on from there. */
  function putAway() {
    close();
    if (!request.byKey || editor.view.getState().pointing) return;
    if (!enterCards(editor)) controlsIn(document)[0]?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    event.stopPropagation();
    const inList = !(event.target instanceof HTMLSelectElement);
    if (event.key === "Escape") putAway();
    else if (event.key === "ArrowDown" && inList) setIndex((now) => Math.min(now + 1, found.length - 1));
    else if (event.key === "ArrowUp" && inList) setIndex((now) => Math.max(now - 1, 0));
    else if (event.key === "Enter" && inList) pick(current);
    else return;
    event.preventDefault();
  }

  const left = Math.max(12, Math.min(request.screen[0] - 40, window.innerWidth - WIDTH - 12));
  const top = Math.max(12, Math.min(request.screen[1] - 24, window.innerHeight - HEIGHT - 12));
  return (
    <div
      className="search popup"
      ref={box}
      style={{ left, top }}
      role="dialog"
      aria-label={t(request.replace === undefined ? "cmd.search" : "cmd.replace")}
      onKeyDown={onKeyDown}
    >
      <input
        // biome-ignore lint/a11y/noAutofocus: the search box was asked for in order to type
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls="search-list"
        aria-activedescendant={current ? `search-${current.definition.id}` : undefined}
        placeholder={hintOf(request)}
        value={query}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setQuery(event.target.value);
          setIndex(0);
        }}
      />
      <FilterBar definitions={definitions} filters={filters} onChange={setFilters} />
      {current ? (
        <div className="search-columns">
          <Results found={found} current={current} onPoint={setIndex} onPick={pick} />
          <HelpCard definition={current.definition} />
        </div>
      ) : (
        <div className="empty">
          <strong>{t("search.nothing")}</strong>
          <span>{t("search.nothing_hint")}</span>
        </div>
      )}
    </div>
  );
}

/** What can be added: all nodes, those that the open link fits, or what a node can become. */
function useOffered({ link, replace, insert }: SearchRequest): readonly Entry[] {
  const catalogue = useDocument((state) => state.catalogue);
  const workflow = useDocument((state) => state.history.document);
  const editor = useEditor();
  const uses = useStore(kept, (state) => state.uses);
  return useMemo(() => {
    const all = allDefinitions(catalogue, workflow, editor.path);
    const fitting = all.filter(
      (definition) =>
        (!link || fitsLink(definition, link.from.side, link.type)) &&
        (!insert || fitsInto(editor.scope, editor.definitions, insert, definition)),
    );
    const entries = entriesOf(fitting, uses);
    return replace === undefined ? entries : forReplacing(entries, editor.scope, editor.definitions, replace);
  }, [catalogue, workflow, editor, uses, link, replace, insert]);
}

function hintOf({ link, replace, insert }: SearchRequest): string {
  if (insert) return t("search.placeholder_insert");
  if (replace !== undefined) return t("search.placeholder_replace");
  if (!link) return t("search.placeholder");
  const key = link.from.side === "output" ? "search.placeholder_fit" : "search.placeholder_give";
  return t(key, { type: link.type });
}

function useOutside(box: React.RefObject<HTMLElement | null>, close: () => void): void {
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as globalThis.Node)) latest.current();
    };
    window.addEventListener("pointerdown", outside, true);
    return () => window.removeEventListener("pointerdown", outside, true);
  }, [box]);
}

type ResultsProps = {
  readonly found: readonly Entry[];
  readonly current: Entry;
  readonly onPoint: (index: number) => void;
  readonly onPick: (entry: Entry) => void;
};

function Results({ found, current, onPoint, onPick }: ResultsProps) {
  const { colorOf } = useCanvas();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  });
  return (
    <div id="search-list" ref={list} role="listbox" aria-label={t("cmd.search")}>
      {found.map((entry, place) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus
        <div
          key={entry.definition.id}
          id={`search-${entry.definition.id}`}
          role="option"
          tabIndex={-1}
          aria-selected={entry === current}
          onPointerMove={() => onPoint(place)}
          onClick={() => onPick(entry)}
        >
          <CategoryIcon definition={entry.definition} color={colorOf(mainType(entry.definition))} size={14} />
          <span>{entry.title}</span>
          <em>{entry.definition.category}</em>
        </div>
      ))}
    </div>
  );
}

/** Do what was asked for with the picked type. Returns the node that came of it. */
function place(editor: ReturnType<typeof useEditor>, request: SearchRequest, definition: NodeDefinition): string {
  const { workflow, path, definitions } = editor;
  const { link, replace, insert } = request;
  if (replace !== undefined) {
    editor.perform(replaceNode(workflow, path, definitions, replace, definition));
    return replace;
  }
  // The port lands about where the link was let go.
  const shift = link?.from.side === "input" ? 240 : 0;
  const at = [request.at[0] - shift, request.at[1] - HEADER - 16] as const;
  const open =
    link?.from.side === "input" ? { to: link.from.end } : link ? { from: link.from.end, via: link.via } : null;
  const { edit, id } = insert
    ? addOnLink(workflow, path, definitions, definition, request.at, insert)
    : open
      ? addConnected(workflow, path, definitions, definition, at, open)
      : addNode(workflow, path, definition, [request.at[0], request.at[1] - HEADER / 2]);
  editor.perform(edit);
  return id;
}
