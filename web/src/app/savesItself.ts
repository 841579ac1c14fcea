/** Saves workflows that are on the server a while after a change, when the user wants it. */
import type { StoreApi } from "zustand/vanilla";
import type { Services } from "../editor/context";
import { saveQuietly } from "./saving";
import type { Settings } from "./settings/settings";
import { hasChanges, type Tab, type Tabs } from "./tabs";

const PAUSE_MS = 4000;

/** Look after all tabs for as long as the page lives. */
export function saveByItself(tabs: Tabs, settings: StoreApi<Settings>, tell: Services["tell"]): void {
  setInterval(() => {
    if (!settings.getState().autosave) return;
    // The tab in view says its trouble above the canvas.
    for (const tab of tabs.list)
      if (isWanted(tab)) saveQuietly(tab, (said) => tab !== tabs.active && tell(said, "error"));
  }, PAUSE_MS);
}

/** Whether there is something to save, and nothing about it that only the user can decide. */
function isWanted(tab: Tab): boolean {
  const { file, trouble } = tab.place.getState();
  return file !== null && (trouble === null || trouble.kind === "refused") && hasChanges(tab);
}
