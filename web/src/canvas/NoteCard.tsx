import { NodeResizer } from "@xyflow/react";
import { memo } from "react";
import { useDocument, useEditor } from "../editor/context";
import type { Note } from "../graph/document";
import { setNotes } from "../graph/edits";
import { t } from "../i18n";

export const NOTE_PREFIX = "note:";

/** A text on the canvas. */
export const NoteCard = memo(function NoteCard({ id, selected }: { readonly id: string; readonly selected?: boolean }) {
  const editor = useEditor();
  const index = Number(id.slice(NOTE_PREFIX.length));
  const note = useDocument((state) => state.history.document.notes?.[index]);
  if (!note) return null;
  const change = (fields: Partial<Note>) =>
    editor.edit((workflow) =>
      setNotes(
        (workflow.notes ?? []).map((entry, place) => (place === index ? { ...entry, ...fields } : entry)),
        "edit_note",
      ),
    );
  return (
    <section className="note" data-selected={selected}>
      <NodeResizer
        isVisible={selected ?? false}
        minWidth={140}
        minHeight={60}
        onResizeEnd={(_, box) =>
          change({ at: [Math.round(box.x), Math.round(box.y)], size: [Math.round(box.width), Math.round(box.height)] })
        }
      />
      <div className="note-grip" />
      <textarea
        className="nodrag nowheel"
        aria-label={t("cmd.note")}
        placeholder={t("note.placeholder")}
        value={note.text ?? ""}
        onChange={(event) => change({ text: event.target.value })}
      />
    </section>
  );
});
