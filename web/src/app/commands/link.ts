/** Commands that make and cut links without the pointer, by a list of what fits. */
import { currentCard } from "../../canvas/keyboard/focus";
import { nodesOf } from "../../graph/document";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

export const LINK_COMMANDS: readonly Command[] = [
  command("link", "cmd.link", ["shift+l"], (place) => pickLink(place, "link")),
  command("cut_link", "cmd.cut_link", ["shift+x"], (place) => pickLink(place, "cut")),
];

/** Open the list of links of the node that the keyboard is at, or that is selected. */
export function pickLink({ editor, ui, tell }: Workplace, dialog: "link" | "cut" | "follow"): void {
  const id = currentCard(editor);
  if (id !== null && nodesOf(editor.scope)[id]) ui.setState({ dialog });
  else tell(t("tell.select_node"));
}
