import { useEffect } from "react";
import { COMMANDS, type Command } from "./commands";
import { isTyping, matches } from "./keys";
import type { Workplace } from "./workplace";

/** Runs commands by their keys. What is typed into a field stays there, and so do a button's own keys. */
export function useCommandKeys(place: Workplace): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || place.ui.getState().dialog !== null) return;
      const command = COMMANDS.find((entry) => isMeant(entry, event));
      if (!command) return;
      event.preventDefault();
      command.run(place);
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [place]);
}

function isMeant(command: Command, event: KeyboardEvent): boolean {
  const keys = command.keys?.find((entry) => matches(event, entry));
  if (keys === undefined) return false;
  if (isTyping(event.target) && !command.whileTyping) return false;
  const onControl = event.target instanceof Element && event.target.closest("button, a, input, [role=menu]") !== null;
  if ((keys === "space" || keys.startsWith("arrow")) && onControl) return false;
  // Tab moves the focus among nodes; it opens the search only while nothing has the focus.
  if (keys === "tab" && document.activeElement !== document.body) return false;
  return keys !== "mod+c" || String(window.getSelection()) === "";
}
