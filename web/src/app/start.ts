/** The start: takes up the tabs of the last visit and puts the workplace together. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Services } from "../editor/context";
import type { Look } from "../editor/look";
import { t } from "../i18n";
import { Connection } from "./connection";
import { type Restored, restoreTabs } from "./keep/drafts";
import { keepDrafts } from "./keep/keeper";
import { NotKeptError } from "./keep/store";
import { tellOfEnds } from "./notices";
import { saveByItself } from "./savesItself";
import { followSystem, keptSettings, lookOf, type Settings, themeOf } from "./settings/settings";
import { Tabs } from "./tabs";
import type { UiState, Workplace } from "./workplace";

const MESSAGE_MS = 5000;

/** Take up the tabs of the last visit, and keep them from now on. */
export async function openWorkplace(): Promise<Workplace> {
  const settings = keptSettings();
  const ui = createUi(settings);
  const look = createStore<Look>(() => lookOf(settings.getState()));
  const follow = () => {
    look.setState(lookOf(settings.getState()));
    ui.setState({ theme: themeOf(settings.getState()) });
  };
  settings.subscribe(follow);
  followSystem(follow);
  const tell = messenger(ui);
  const connection = new Connection(tell);
  const restored = await restoreTabs().catch((error: unknown): null => {
    if (!(error instanceof NotKeptError)) throw error;
    tell(t("tell.drafts_off"), "error");
    return null;
  });
  const tabs = new Tabs(connection, tell, restored?.tabs, restored?.active);
  if (restored) keepFrom(restored, tabs, tell);
  saveByItself(tabs, settings, tell);
  const jobs = () => tabs.active.runner.run.getState().jobs;
  tellOfEnds(connection, settings, (id) => jobs().find((job) => job.entry.id === id)?.entry.title);
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
    settings,
    look,
    tell,
    ...questions(ui),
  };
}

/** Questions come one after the other: each waits until the one before it is answered. */
function questions(ui: StoreApi<UiState>): Pick<Workplace, "ask" | "askName"> {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (show: (answer: (said: string | null) => void) => void) => {
    const said = last.then(() => new Promise<string | null>(show));
    last = said;
    return said.finally(() => ui.setState({ question: null, nameQuestion: null }));
  };
  return {
    ask: (question) => inTurn((answer) => ui.setState({ question: { ...question, answer } })),
    askName: (question) => inTurn((answer) => ui.setState({ nameQuestion: { ...question, answer } })),
  };
}

function keepFrom(restored: Restored, tabs: Tabs, tell: Services["tell"]): void {
  keepDrafts(tabs, restored.window, (error) => tell(t(error.full ? "tell.drafts_full" : "tell.drafts_off"), "error"));
}

function createUi(settings: StoreApi<Settings>): StoreApi<UiState> {
  return createStore<UiState>((set, get) => ({
    panel: null,
    dialog: null,
    helpOf: null,
    question: null,
    nameQuestion: null,
    theme: themeOf(settings.getState()),
    messages: [],
    batch: 1,
    toggle: (panel) => set({ panel: get().panel === panel ? null : panel }),
    switchTheme: () => settings.setState({ theme: get().theme === "dark" ? "light" : "dark" }),
  }));
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
