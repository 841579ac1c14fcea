/** Tab, Enter and Escape on cards: out of them, into their knobs, and back. */
import { type KeyboardEvent, useCallback } from "react";
import { useEditor } from "../../editor/context";
import type { Editor } from "../../editor/store";
import { NOTE_PREFIX } from "../frames";
import { leaveCards } from "./CanvasStop";
import { cardAround, controlsIn } from "./focus";

export function useCardKeys() {
  const editor = useEditor();
  return useCallback((event: KeyboardEvent<HTMLElement>) => onCardKey(editor, event), [editor]);
}

function onCardKey(editor: Editor, event: KeyboardEvent<HTMLElement>): void {
  const target = event.target as HTMLElement;
  const card = cardAround(target);
  if (!card || target.closest("dialog, [popover]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const isLeft = event.key !== "Tab" && document.activeElement === document.body;
  // A field that Enter or Escape has just left has nothing more to do with the key.
  if (isLeft) card.focus();
  else if (!event.defaultPrevented && act(editor, card, target, event)) event.preventDefault();
}

/** Do what a key means here. Returns whether it is thereby used up. */
function act(editor: Editor, card: HTMLElement, target: HTMLElement, { key, shiftKey }: KeyboardEvent): boolean {
  const inside = target !== card;
  if (key === "Tab") return tab(card, target, !shiftKey);
  if (key === "Escape" && editor.view.getState().connecting) editor.view.setState({ connecting: null });
  else if (key === "Escape" && inside) card.focus();
  else if (key === "Enter" && !inside && !shiftKey) enterCard(editor, card);
  else return false;
  return true;
}

/** From a card Tab leads out of them all; from the ends of its controls too, or back to the card. */
function tab(card: HTMLElement, target: HTMLElement, forward: boolean): boolean {
  const controls = target === card ? [card] : controlsIn(card);
  if (target === (forward ? controls.at(-1) : controls[0])) {
    if (target === card || forward) leaveCards(forward);
    else card.focus();
    // On the way out the browser goes on by itself.
    return target !== card && !forward;
  }
  return false;
}

/** Into a card: to its first knob, or while a link is drawn to the first port that takes it; a note is written in. */
function enterCard(editor: Editor, card: HTMLElement): void {
  const id = card.dataset["card"] ?? "";
  if (id.startsWith(NOTE_PREFIX)) {
    editor.view.setState({ renaming: id });
    return;
  }
  const controls = controlsIn(card);
  const side = editor.view.getState().connecting?.from.side;
  const found = side
    ? controls.find(({ dataset }) => dataset["dim"] === "false" && dataset["port"] !== side)
    : controls.find((control) => control.closest("header") === null && !control.matches(".port"));
  (found ?? (side ? undefined : controls[0]))?.focus();
}
