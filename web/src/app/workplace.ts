/** What commands and panels work with: the open document, the server, and what of the window is open. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Services } from "../editor/context";
import type { Editor } from "../editor/store";
import type { Runner } from "./runner";

export type Panel = "queue" | "library" | "history" | "problems";
export type Message = { readonly id: number; readonly text: string; readonly kind: "info" | "error" };

export type UiState = {
  readonly panel: Panel | null;
  readonly dialog: "palette" | "shortcuts" | null;
  readonly theme: "dark" | "light";
  readonly minimap: boolean;
  readonly messages: readonly Message[];
  readonly toggle: (panel: Panel) => void;
  readonly switchTheme: () => void;
};

export type Workplace = {
  readonly editor: Editor;
  readonly runner: Runner;
  readonly ui: StoreApi<UiState>;
  readonly tell: Services["tell"];
};

const THEME_KEY = "kinegraph.theme";
const MESSAGE_MS = 5000;

export function createUi(): StoreApi<UiState> {
  return createStore<UiState>((set, get) => ({
    panel: null,
    dialog: null,
    theme: firstTheme(),
    minimap: true,
    messages: [],
    toggle: (panel) => set({ panel: get().panel === panel ? null : panel }),
    switchTheme: () => {
      const theme = get().theme === "dark" ? "light" : "dark";
      localStorage.setItem(THEME_KEY, theme);
      set({ theme });
    },
  }));
}

function firstTheme(): "dark" | "light" {
  const chosen = localStorage.getItem(THEME_KEY);
  if (chosen === "dark" || chosen === "light") return chosen;
  return window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

/** Says things briefly; each goes by itself. */
export function messenger(ui: StoreApi<UiState>): Services["tell"] {
  let last = 0;
  return (text, kind = "info") => {
    last += 1;
    const id = last;
    ui.setState(({ messages }) => ({
      messages: [...messages.filter((message) => message.text !== text).slice(-2), { id, text, kind }],
    }));
    setTimeout(
      () => ui.setState(({ messages }) => ({ messages: messages.filter((message) => message.id !== id) })),
      kind === "error" ? MESSAGE_MS * 2 : MESSAGE_MS,
    );
  };
}
