/** What commands and panels work with: the open documents, the server, and what of the window is open. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Services } from "../editor/context";
import type { Editor } from "../editor/store";
import { t } from "../i18n";
import { Connection } from "./connection";
import { type Restored, restoreTabs } from "./keep/drafts";
import { keepDrafts } from "./keep/keeper";
import { NotKeptError } from "./keep/store";
import type { Runner } from "./runner";
import { Tabs } from "./tabs";

export type Panel = "queue" | "library" | "history" | "problems";
export type Message = { readonly id: number; readonly text: string; readonly kind: "info" | "error" };

/** A question that stands above everything until it is answered. */
export type Question = {
  readonly title: string;
  readonly text: string;
  /** The answers, the safest one last. */
  readonly answers: readonly {
    readonly id: string;
    readonly label: string;
    readonly kind?: "main" | "danger" | undefined;
  }[];
};

export type UiState = {
  readonly panel: Panel | null;
  readonly dialog: "palette" | "shortcuts" | null;
  readonly question: (Question & { readonly answer: (id: string | null) => void }) | null;
  readonly theme: "dark" | "light";
  readonly minimap: boolean;
  readonly messages: readonly Message[];
  readonly toggle: (panel: Panel) => void;
  readonly switchTheme: () => void;
};

export type Workplace = {
  readonly tabs: Tabs;
  readonly connection: Connection;
  /** The document in view. What goes on after a wait holds on to the tab that it began with. */
  readonly editor: Editor;
  readonly runner: Runner;
  readonly ui: StoreApi<UiState>;
  readonly tell: Services["tell"];
  /** Ask, and wait for the answer's id; null when the question is put away. */
  readonly ask: (question: Question) => Promise<string | null>;
};

const THEME_KEY = "kinegraph.theme";
const MESSAGE_MS = 5000;

/** Take up the tabs of the last visit, and keep them from now on. */
export async function openWorkplace(): Promise<Workplace> {
  const ui = createUi();
  const tell = messenger(ui);
  const connection = new Connection(tell);
  const restored = await restoreTabs().catch((error: unknown): null => {
    if (!(error instanceof NotKeptError)) throw error;
    tell(t("tell.drafts_off"), "error");
    return null;
  });
  const tabs = new Tabs(connection, tell, restored?.tabs, restored?.active);
  if (restored) keepFrom(restored, tabs, tell);
  return {
    tabs,
    connection,
    get editor() {
      return tabs.active.editor;
    },
    get runner() {
      return tabs.active.runner;
    },
    ui,
    tell,
    ask: (question) =>
      new Promise((resolve) => {
        const answer = (id: string | null) => {
          ui.setState({ question: null });
          resolve(id);
        };
        ui.setState({ question: { ...question, answer } });
      }),
  };
}

function keepFrom(restored: Restored, tabs: Tabs, tell: Services["tell"]): void {
  keepDrafts(tabs, restored.window, (error) => tell(t(error.full ? "tell.drafts_full" : "tell.drafts_off"), "error"));
}

function createUi(): StoreApi<UiState> {
  return createStore<UiState>((set, get) => ({
    panel: null,
    dialog: null,
    question: null,
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
function messenger(ui: StoreApi<UiState>): Services["tell"] {
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
