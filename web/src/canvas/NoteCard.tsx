import { NodeResizer } from "@xyflow/react";
import { memo, useEffect, useRef, useState } from "react";
import { useDocument, useEditor, useView } from "../editor/context";
import { type Note, scopeAt } from "../graph/document";
import { setNotes } from "../graph/edits";
import { t } from "../i18n";
import { NOTE_PREFIX } from "./frames";
import { useFocusWanted } from "./keyboard/useFocusWanted";

/** A text on the canvas, in Markdown; a double click, Enter or F2 opens it for writing. */
export const NoteCard = memo(function NoteCard({ id, selected }: { readonly id: string; readonly selected?: boolean }) {
  const editor = useEditor();
  const index = Number(id.slice(NOTE_PREFIX.length));
  const note = useDocument((state) => scopeAt(state.history.document, state.scope).notes?.[index]);
  const writing = useView((view) => view.renaming === id);
  const element = useFocusWanted(id);
  if (!note) return null;
  const write = (on: boolean) => editor.view.setState({ renaming: on ? id : null });
  const change = (fields: Partial<Note>) =>
    editor.edit((workflow, path) => {
      const notes = scopeAt(workflow, path).notes ?? [];
      const changed = notes.map((entry, place) => (place === index ? { ...entry, ...fields } : entry));
      return setNotes(path, changed, "edit_note");
    });
  return (
    <article
      ref={element}
      className="note"
      tabIndex={-1}
      data-card={id}
      data-selected={selected}
      aria-label={t("note.label")}
      aria-description={note.text ?? ""}
      onDoubleClick={() => write(true)}
    >
      <NodeResizer
        isVisible={selected ?? false}
        minWidth={140}
        minHeight={60}
        onResizeEnd={(_, box) =>
          change({ at: [Math.round(box.x), Math.round(box.y)], size: [Math.round(box.width), Math.round(box.height)] })
        }
      />
      {writing ? (
        <Writing text={note.text ?? ""} onChange={(text) => change({ text })} onDone={() => write(false)} />
      ) : (
        <Reading text={note.text ?? ""} />
      )}
    </article>
  );
});

function Writing({
  text,
  onChange,
  onDone,
}: {
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly onDone: () => void;
}) {
  return (
    <textarea
      className="nodrag nowheel"
      aria-label={t("note.label")}
      placeholder={t("note.placeholder")}
      value={text}
      // biome-ignore lint/a11y/noAutofocus: the user has just asked to write here
      autoFocus
      onChange={(event) => onChange(event.target.value)}
      onBlur={onDone}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") onDone();
      }}
    />
  );
}

/** The text as it reads; plain until the reader of Markdown is there, which is loaded with the first note. */
function Reading({ text }: { readonly text: string }) {
  const element = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let current = true;
    const show = async () => {
      const { renderMarkdown } = await import("../notes/markdown");
      if (current) element.current?.replaceChildren(renderMarkdown(text));
    };
    show().catch(() => setFailed(true));
    return () => {
      current = false;
    };
  }, [text]);
  if (text === "") return <p className="note-empty">{t("note.hint")}</p>;
  return failed ? <pre className="note-text">{text}</pre> : <div ref={element} className="note-text nowheel" />;
}
