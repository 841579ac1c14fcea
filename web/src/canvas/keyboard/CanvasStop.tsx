import type { FocusEvent } from "react";
import { useEditor } from "../../editor/context";
import { t } from "../../i18n";
import { cardAround, enterCards } from "./focus";

/**
 * Where Tab enters the cards, from either side, and where it leaves them again: they are one stop, as the patterns of
 * WAI-ARIA ask of a composite, however many they are. It hands the focus on to the card where one was last.
 */
export function CanvasStop({ side }: { readonly side: "before" | "after" }) {
  const editor = useEditor();
  // Who comes from a card is on the way out: the browser goes on from here by itself.
  const onFocus = ({ relatedTarget }: FocusEvent) => cardAround(relatedTarget) === null && enterCards(editor);
  return (
    <button type="button" className="spoken" data-stop={side} onFocus={onFocus} onClick={() => enterCards(editor)}>
      {t(side === "before" ? "say.enter_nodes" : "say.back_to_nodes")}
    </button>
  );
}

/** On the way out by Tab: the browser moves the focus on from the stop on that side. */
export function leaveCards(forward: boolean): void {
  document.querySelector<HTMLElement>(`[data-stop="${forward ? "after" : "before"}"]`)?.focus({ preventScroll: true });
}
