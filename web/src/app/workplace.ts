/** What commands and panels work with: the open documents, the server, and what of the window is open. */
import type { StoreApi } from "zustand/vanilla";
import type { Services } from "../editor/context";
import type { Look } from "../editor/look";
import type { Editor } from "../editor/store";
import type { Connection } from "./connection";
import type { Runner } from "./runner";
import type { Settings } from "./settings/settings";
import type { Tabs } from "./tabs";

export type Panel = "queue" | "library" | "history" | "problems" | "workflows" | "exposed";
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

/** A question for a name, which is never empty. */
export type NameQuestion = {
  readonly title: string;
  readonly label: string;
  /** What stands in the field at first. */
  readonly name: string;
  /** What the button says that accepts it. */
  readonly accept: string;
};

/** A question that is open, with what ends it. */
export type Asked<Q> = Q & { readonly answer: (said: string | null) => void };

export type UiState = {
  readonly panel: Panel | null;
  readonly dialog: "palette" | "shortcuts" | "settings" | "help" | "find" | "link" | "cut" | "follow" | null;
  /** The node type that the help is about. */
  readonly helpOf: string | null;
  readonly question: Asked<Question> | null;
  readonly nameQuestion: Asked<NameQuestion> | null;
  readonly theme: "dark" | "light";
  readonly messages: readonly Message[];
  /** How many jobs the button that runs queues. */
  readonly batch: number;
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
  readonly settings: StoreApi<Settings>;
  readonly look: StoreApi<Look>;
  readonly tell: Services["tell"];
  /** Ask, and wait for the answer's id; null when the question is put away. */
  readonly ask: (question: Question) => Promise<string | null>;
  /** Ask for a name; null when the question is put away. */
  readonly askName: (question: NameQuestion) => Promise<string | null>;
};
