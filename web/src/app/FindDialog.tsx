import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { currentCard, wantFocus } from "../canvas/keyboard/focus";
import { reveal } from "../canvas/reveal";
import { findIn, type Hit, MOST_HITS } from "../graph/find";
import { t } from "../i18n";
import { useWorkplace } from "./workplaceContext";

/** Find in the workflow: nodes by title, type and value, groups and notes; the canvas goes along with the choice. */
export function FindDialog() {
  const { editor, ui } = useWorkplace();
  const [query, setQuery] = useState("");
  const [index, setIndex] = useState(0);
  const list = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const found = useMemo(() => findIn(editor.workflow, editor.definitions, query), [editor, query]);
  const hits = useMemo(() => found.slice(0, MOST_HITS), [found]);
  const current = hits[Math.min(index, hits.length - 1)];
  // Not modal: what is found is shown on the canvas beside it.
  useEffect(() => {
    dialog.current?.show();
    dialog.current?.querySelector("input")?.focus();
  }, []);

  const close = () => {
    ui.setState({ dialog: null });
    const [chosen = currentCard(editor)] = editor.document.getState().selection;
    if (chosen !== null) wantFocus(editor, chosen);
  };
  function go(hit: Hit | undefined, at: number) {
    setIndex(at);
    if (hit) reveal(editor, hit.trail, hit.id);
  }
  function onKeyDown(event: KeyboardEvent) {
    event.stopPropagation();
    const last = hits.length - 1;
    const next = index >= last ? 0 : index + 1;
    const before = index <= 0 ? last : index - 1;
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown") go(hits[next], next);
    else if (event.key === "ArrowUp") go(hits[before], before);
    else if (event.key === "Enter") {
      const at = Math.max(0, Math.min(index, last));
      go(hits[at], at);
      close();
    } else return;
    event.preventDefault();
  }

  return (
    <dialog ref={dialog} className="find popup" aria-label={t("cmd.find")}>
      <input
        role="combobox"
        aria-expanded={hits.length > 0}
        aria-controls={list}
        aria-label={t("cmd.find")}
        aria-activedescendant={current ? `${list}-${hits.indexOf(current)}` : undefined}
        placeholder={t("find.placeholder")}
        value={query}
        spellCheck={false}
        onChange={(event) => {
          setQuery(event.target.value);
          setIndex(-1);
        }}
        onKeyDown={onKeyDown}
      />
      <div id={list} role="listbox" aria-label={t("find.results")}>
        {hits.map((hit, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus
          <div
            key={[...hit.trail, hit.id].join("/")}
            id={`${list}-${at}`}
            role="option"
            tabIndex={-1}
            aria-selected={at === index}
            onClick={() => go(hit, at)}
            onDoubleClick={close}
          >
            <span>{hit.title || t("group.untitled")}</span>
            <em>{hit.detail}</em>
          </div>
        ))}
      </div>
      <p role="status">
        {query === ""
          ? t("find.hint")
          : hits.length === 0
            ? t("find.nothing")
            : t(found.length > hits.length ? "find.more" : "find.count", { count: hits.length })}
      </p>
    </dialog>
  );
}
