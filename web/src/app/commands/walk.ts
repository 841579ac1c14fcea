/** Commands that take the keyboard from card to card, and choose cards on the way. */
import { cardsOf } from "../../canvas/keyboard/cards";
import { currentCard, focusCard, walk } from "../../canvas/keyboard/focus";
import { nodesOf } from "../../graph/document";
import { graphOrder, type Way } from "../../graph/order";
import { t } from "../../i18n";
import { localRuns } from "../../run/local";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";
import { pickLink } from "./link";

export const WALK_COMMANDS: readonly Command[] = [
  command("focus_next", "cmd.focus_next", ["alt+arrowdown"], (place) => go(place, "next")),
  command("focus_previous", "cmd.focus_previous", ["alt+arrowup"], (place) => go(place, "previous")),
  command("focus_downstream", "cmd.focus_downstream", ["alt+arrowright"], (place) => go(place, "downstream")),
  command("focus_upstream", "cmd.focus_upstream", ["alt+arrowleft"], (place) => go(place, "upstream")),
  command("focus_first", "cmd.focus_first", ["home"], (place) => go(place, "first")),
  command("focus_last", "cmd.focus_last", ["end"], (place) => go(place, "last")),
  command("follow_link", "cmd.follow_link", ["g"], (place) => pickLink(place, "follow")),
  command("focus_result", "cmd.focus_result", ["shift+v"], goToResult),
];

export const CHOOSE_COMMANDS: readonly Command[] = [
  command("extend_next", "cmd.extend_next", ["alt+shift+arrowdown"], (place) => go(place, "next", true)),
  command("extend_previous", "cmd.extend_previous", ["alt+shift+arrowup"], (place) => go(place, "previous", true)),
  command("toggle_selected", "cmd.toggle_selected", ["shift+space"], toggle),
];

function go({ editor, tell }: Workplace, way: Way, extend = false): void {
  if (walk(editor, way, extend)) return;
  const isEmpty = cardsOf(editor.scope).length === 0;
  tell(
    t(isEmpty ? "tell.no_nodes" : way === "upstream" || way === "downstream" ? `tell.no_${way}` : "tell.no_further"),
  );
}

/** Take the card that the keyboard is at into the selection, or out of it. */
function toggle({ editor }: Workplace): void {
  const id = currentCard(editor);
  if (id === null) return;
  const selection = new Set(editor.document.getState().selection);
  if (!selection.delete(id)) selection.add(id);
  editor.select(selection);
}

/** Go to the last node of the open scope that has made something to see or to hear. */
function goToResult({ editor, runner, tell }: Workplace): void {
  const runs = localRuns(runner.run.getState().nodes, editor.trail);
  const nodes = nodesOf(editor.scope);
  const id = graphOrder(editor.scope).findLast((node) => nodes[node] && (runs.get(node)?.artifacts.length ?? 0) > 0);
  if (id === undefined) tell(t("tell.no_result"));
  else focusCard(editor, id);
}
