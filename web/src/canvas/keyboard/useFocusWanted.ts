/** Gives a card the focus that a key or a command wants it to have, once it is mounted. */
import { type RefObject, useEffect, useRef } from "react";
import { useEditor, useView } from "../../editor/context";

export function useFocusWanted(id: string): RefObject<HTMLElement | null> {
  const editor = useEditor();
  const element = useRef<HTMLElement>(null);
  const wanted = useView((view) => view.focus === id);
  useEffect(() => {
    if (!wanted || !element.current) return;
    // A field in it that was opened to type in has what it needs.
    if (!element.current.contains(document.activeElement)) element.current.focus({ preventScroll: true });
    editor.view.setState({ focus: null });
  }, [wanted, editor]);
  return element;
}
