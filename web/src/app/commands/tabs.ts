/** Commands for the row of open documents. */

import { EMPTY_WORKFLOW } from "../../graph/document";
import { t } from "../../i18n";
import { save } from "../saving";
import { hasChanges, type Tab } from "../tabs";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";

export const TAB_COMMANDS: readonly Command[] = [
  command("new", "cmd.new", ["alt+n"], ({ tabs }) => void tabs.add(), true),
  command("close_tab", "cmd.close_tab", ["alt+w"], (place) => void closeTab(place, place.tabs.active), true),
  command("close_others", "cmd.close_others", [], (place) => void closeOthers(place, place.tabs.active)),
  command("reopen_tab", "cmd.reopen_tab", ["alt+shift+t"], ({ tabs }) => void tabs.reopen(), true),
  command("duplicate_tab", "cmd.duplicate_tab", [], ({ tabs }) => duplicateTab(tabs.active, tabs)),
  command("next_tab", "cmd.next_tab", ["alt+pagedown"], ({ tabs }) => tabs.step(1), true),
  command("previous_tab", "cmd.previous_tab", ["alt+pageup"], ({ tabs }) => tabs.step(-1), true),
  command("tab_right", "cmd.tab_right", ["alt+shift+pagedown"], ({ tabs }) => moveTab(tabs, 1), true),
  command("tab_left", "cmd.tab_left", ["alt+shift+pageup"], ({ tabs }) => moveTab(tabs, -1), true),
];

/** Go to a tab by its number, from 1; 9 is the last one, as in browsers. */
export function pickTab({ tabs }: Workplace, number: number): void {
  const tab = number === 9 ? tabs.list.at(-1) : tabs.list[number - 1];
  if (tab) tabs.activate(tab);
}

/** Close a tab; one with changes only when the user says so. Returns whether it is closed. */
export async function closeTab(place: Workplace, tab: Tab): Promise<boolean> {
  if (hasChanges(tab)) {
    place.tabs.activate(tab);
    const answer = await place.ask({
      title: t("ask.close", { name: tab.editor.workflow.title || t("app.untitled") }),
      text: t("ask.close_text"),
      answers: [
        { id: "close", label: t("ask.close_anyway"), kind: "danger" },
        { id: "save", label: t("ask.close_save"), kind: "main" },
        { id: "keep", label: t("ask.cancel") },
      ],
    });
    if (answer === "save" ? !(await save(place, tab)) : answer !== "close") return false;
  }
  place.tabs.close(tab);
  return true;
}

/** Close all tabs but one; stops at the first that is to stay. */
export async function closeOthers(place: Workplace, kept: Tab): Promise<void> {
  for (const tab of place.tabs.list) if (tab !== kept && !(await closeTab(place, tab))) return;
  place.tabs.activate(kept);
}

export function duplicateTab(tab: Tab, tabs: Workplace["tabs"]): void {
  const title = t("tab.copy_of", { name: tab.editor.workflow.title || t("app.untitled") });
  const { viewport } = tab.editor.view.getState();
  tabs.activate(tab);
  tabs.add(
    { ...tab.editor.workflow, title },
    { saved: EMPTY_WORKFLOW, viewport, job: tab.runner.run.getState().shown },
  );
}

function moveTab(tabs: Workplace["tabs"], by: number): void {
  tabs.move(tabs.active, tabs.list.indexOf(tabs.active) + by);
}
