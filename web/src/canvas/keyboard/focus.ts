/** Gives cards the focus of the keyboard, wherever they are. */
import type { Editor } from "../../editor/store";
import { stepFrom, type Way } from "../../graph/order";
import { overlaps } from "../curves";
import { freeSize, viewRect } from "../window";
import { cardsOf, isReadable, moveInto, rectOf, viewOn } from "./cards";

const CONTROLS = "button:enabled, input:enabled, select:enabled, textarea:enabled, a[href], video, [tabindex]";

/** What Tab reaches inside of an element, in its order. */
export function controlsIn(root: ParentNode): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(CONTROLS)].filter(
    (element) => element.tabIndex >= 0 && element.checkVisibility({ visibilityProperty: true }),
  );
}

/** The element of the card that something is in, or is. */
export function cardAround(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>("[data-card]") : null;
}

/** The card that has the focus, or that something in it has. */
export function focusedCard(): string | null {
  return cardAround(document.activeElement)?.dataset["card"] ?? null;
}

/** The card that the keyboard is at: where it was last, else the first that is selected. */
export function currentCard(editor: Editor): string | null {
  const cards = cardsOf(editor.scope);
  const { at } = editor.view.getState();
  if (at !== null && cards.includes(at)) return at;
  const { selection } = editor.document.getState();
  return cards.find((id) => selection.has(id)) ?? null;
}

/** Focus the card where the keyboard was last, or the first one. Returns whether there is one. */
export function enterCards(editor: Editor): boolean {
  const id = currentCard(editor) ?? cardsOf(editor.scope)[0];
  if (id !== undefined) focusCard(editor, id);
  return id !== undefined;
}

/** Go a step from the card in focus, or first back to where the keyboard was. Returns whether there was a card to go to. */
export function walk(editor: Editor, way: Way, extend = false): boolean {
  const current = currentCard(editor);
  const { came } = editor.view.getState();
  const isBack = focusedCard() === null && current !== null && way !== "first" && way !== "last";
  const id = isBack ? current : stepFrom(editor.scope, cardsOf(editor.scope), current, way, came);
  if (id !== null) focusCard(editor, id, extend);
  return id !== null;
}

/** Select a card, alone or with what is selected already, bring it into view, and focus it as soon as it is mounted. */
export function focusCard(editor: Editor, id: string, extend = false): void {
  editor.select(extend ? [...editor.document.getState().selection, id] : [id]);
  wantFocus(editor, id);
}

/** Bring a card into view, and focus it as soon as it is mounted; what is selected stays. */
export function wantFocus(editor: Editor, id: string): void {
  const { viewport, size } = editor.view.getState();
  const rect = rectOf(editor.scope, editor.definitions, id);
  if (!rect) return;
  // Nodes that are only painted, since the view holds so many, are mounted near by.
  const isPainted = document.querySelector(".node[data-card]") === null;
  const isThere = !isPainted && isReadable(viewport.zoom) && overlaps(rect, viewRect(viewport, size));
  const zoom = isPainted ? Math.max(viewport.zoom, 1) : viewport.zoom;
  const goal = { ...viewOn(rect, zoom, freeSize(size, editor.trail.length > 0)), jump: true };
  editor.view.setState({ focus: id, ...(isThere ? {} : { goal, fit: false }) });
}

/** Move the view so that a card, or something in it, is seen. The page may still show the view of a moment ago. */
export function showFocused(editor: Editor, card: HTMLElement, element: Element): void {
  const rect = rectOf(editor.scope, editor.definitions, card.dataset["card"] ?? "");
  const { viewport, size, goal } = editor.view.getState();
  if (goal !== null || rect === null) return;
  const [from, box] = [card.getBoundingClientRect(), element.getBoundingClientRect()];
  const scale = viewport.zoom / (from.width / card.offsetWidth || 1);
  const x0 = rect.x0 * viewport.zoom + viewport.x + (box.left - from.left) * scale;
  const y0 = rect.y0 * viewport.zoom + viewport.y + (box.top - from.top) * scale;
  const seen = { x0, y0, x1: x0 + box.width * scale, y1: y0 + box.height * scale };
  const [dx, dy] = moveInto(seen, freeSize(size, editor.trail.length > 0));
  if (dx !== 0 || dy !== 0)
    editor.view.setState({ goal: { ...viewport, x: viewport.x + dx, y: viewport.y + dy }, fit: false });
}
