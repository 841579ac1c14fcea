/** Saves workflows that are on the server a while after a change, when the user wants it. */
import type { StoreApi } from "zustand/vanilla";
import { saveQuietly } from "./saving";
import type { Settings } from "./settings/settings";
import { hasChanges, type Tabs } from "./tabs";

const PAUSE_MS = 4000;

/** Look after all tabs for as long as the page lives. */
export function saveByItself(tabs: Tabs, settings: StoreApi<Settings>): void {
  setInterval(() => {
    if (!settings.getState().autosave) return;
    for (const tab of tabs.list) if (tab.place.getState().file && hasChanges(tab)) saveQuietly(tab);
  }, PAUSE_MS);
}
