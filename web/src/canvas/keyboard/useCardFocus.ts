/** Where the focus of the keyboard is on the canvas, and what becomes of it when its card goes. */
import { type FocusEvent, type RefObject, useCallback, useEffect, useRef } from "react";
import { useDocument, useEditor, useView } from "../../editor/context";
import type { Editor } from "../../editor/store";
import { scopeAt } from "../../graph/document";
import { nearestLeft } from "../../graph/order";
import { cardsOf } from "./cards";
import { cardAround, focusedCard, showFocused, wantFocus } from "./focus";

/** What the canvas must report for it. `far` says that nodes are painted, so that none can have the focus. */
export function useCardFocus(far: boolean) {
  const editor = useEditor();
  const { held, byKey } = useHands(editor);
  useFollowing(editor);
  useKept(editor, held, far);
  return useCallback(
    (event: FocusEvent<HTMLElement>) => {
      const card = cardAround(event.target);
      const id = card?.dataset["card"];
      if (!card || id === undefined) return;
      const { at, came, focus, pointing } = editor.view.getState();
      editor.view.setState({
        at: id,
        came: at === id ? came : at,
        focus: null,
        pointing: pointing && !byKey.current,
      });
      // What the pointer presses is seen already, and must not move away under it.
      if (byKey.current || focus === id) showFocused(editor, card, event.target);
    },
    [editor, byKey],
  );
}

/** Whether a card holds the focus as far as the user knows, and whether it is moved by keys and not by the pointer. */
function useHands(editor: Editor) {
  const held = useRef(false);
  const byKey = useRef(false);
  useEffect(() => {
    const stop = new AbortController();
    const options = { capture: true, signal: stop.signal };
    const onPress = () => {
      held.current = false;
      byKey.current = false;
      if (editor.view.getState().focus !== null) editor.view.setState({ focus: null });
    };
    window.addEventListener("focusin", ({ target }) => (held.current = cardAround(target) !== null), options);
    window.addEventListener("keydown", () => (byKey.current = true), options);
    window.addEventListener("pointerdown", onPress, options);
    return () => stop.abort();
  }, [editor]);
  return { held, byKey };
}

/**
 * While a card has the focus it follows what commands select anew: copies, what was pasted, what was found. Whoever
 * works with the pointer sees where that is, and the view must not move below it.
 */
function useFollowing(editor: Editor): void {
  useEffect(
    () =>
      editor.document.subscribe((now, before) => {
        const focused = now.selection === before.selection ? null : focusedCard();
        if (
          focused === null ||
          editor.view.getState().pointing ||
          now.trail !== before.trail ||
          now.selection.has(focused)
        )
          return;
        const fresh = [...now.selection].find((id) => !before.selection.has(id));
        if (fresh !== undefined) wantFocus(editor, fresh);
      }),
    [editor],
  );
}

/** When the focus was lost with its card or field: to the card, to what is next to it, or to what was opened instead. */
function useKept(editor: Editor, held: RefObject<boolean>, far: boolean): void {
  const scope = useDocument((state) => scopeAt(state.history.document, state.scope));
  const trail = useDocument((state) => state.trail);
  const renaming = useView((view) => view.renaming);
  const before = useRef({ scope, trail });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a name that is no longer written is one of the occasions
  useEffect(() => {
    const was = before.current;
    before.current = { scope, trail };
    const { at, focus, pointing } = editor.view.getState();
    const lost = held.current && !pointing && document.activeElement === document.body;
    if (far || !lost || at === null || focus !== null) return;
    const cards = cardsOf(scope);
    const chosen = () => cards.find((id) => editor.document.getState().selection.has(id)) ?? cards[0];
    const isElsewhere = was.trail !== trail;
    const next = isElsewhere ? chosen() : cards.includes(at) ? at : nearestLeft(cardsOf(was.scope), at, cards);
    // What was opened decides the view by itself.
    if (typeof next === "string") isElsewhere ? editor.view.setState({ focus: next }) : wantFocus(editor, next);
  }, [editor, held, far, scope, trail, renaming]);
}
