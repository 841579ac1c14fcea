import { useEffect } from "react";
import { COMMANDS, type Command } from "./commands";
import { pickTab } from "./commands/tabs";
import { isTyping, matches } from "./keys";
import { keysOfCommand } from "./settings/bindings";
import type { Workplace } from "./workplace";

/** Keys that buttons, sliders and menus need themselves. */
const CONTROL_KEYS = /^(shift\+)?(space|home|end|arrow\w+)$/;

/** Runs commands by their keys. What is typed into a field stays there, and so do a button's own keys. */
export function useCommandKeys(place: Workplace): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const { dialog, question } = place.ui.getState();
      if (event.defaultPrevented || event.isComposing || dialog !== null || question !== null) return;
      if (picksTab(place, event)) return event.preventDefault();
      const changed = place.settings.getState().keys;
      const command = COMMANDS.find((entry) => isMeant(entry, keysOfCommand(entry, changed), event));
      if (!command) return;
      event.preventDefault();
      command.run(place);
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [place]);
}

/** Alt+1 to Alt+9 go to a tab. */
function picksTab(place: Workplace, event: KeyboardEvent): boolean {
  const number = /^Digit([1-9])$/.exec(event.code)?.[1];
  if (number === undefined || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return false;
  pickTab(place, Number(number));
  return true;
}

function isMeant(command: Command, own: readonly string[], event: KeyboardEvent): boolean {
  const keys = own.find((entry) => matches(event, entry));
  if (keys === undefined) return false;
  if (isTyping(event.target) && !command.whileTyping) return false;
  const onControl = event.target instanceof Element && event.target.closest("button, a, input, [role=menu]") !== null;
  if (CONTROL_KEYS.test(keys) && onControl) return false;
  // Tab moves the focus among nodes; it opens the search only while nothing has the focus.
  if (keys === "tab" && document.activeElement !== document.body) return false;
  return keys !== "mod+c" || String(window.getSelection()) === "";
}
