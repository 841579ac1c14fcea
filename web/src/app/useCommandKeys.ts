import { useEffect } from "react";
import { COMMANDS } from "./commands";
import { isTyping, matches } from "./keys";
import type { Workplace } from "./workplace";

/** Runs commands by their keys. What is typed into a field stays there, and so do a button's own keys. */
export function useCommandKeys(place: Workplace): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || place.ui.getState().dialog !== null) return;
      const typing = isTyping(event.target);
      const onControl = event.target instanceof Element && event.target.closest("button, a, input, [role=menu]") !== null;
      for (const command of COMMANDS) {
        const keys = command.keys?.find((entry) => matches(event, entry));
        if (keys === undefined || (typing && !command.whileTyping)) continue;
        if (onControl && (keys === "space" || keys === "tab")) continue;
        // Tab moves the focus among nodes; it opens the search only while nothing has the focus.
        if (keys === "tab" && document.activeElement !== document.body) continue;
        if (keys === "mod+c" && String(window.getSelection()) !== "") continue;
        event.preventDefault();
        command.run(place);
        return;
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [place]);
}
