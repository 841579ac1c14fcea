/** Hands the open document, its runs and the services of the surrounding app to what is drawn. */
import { createContext, useContext } from "react";
import { type StoreApi, useStore } from "zustand";
import type { RunState } from "../run/state";
import type { DocumentState, Editor, ViewState } from "./store";

/** What widgets and cards may ask of the world outside the document. */
export type Services = {
  readonly uploads: () => Promise<readonly string[]>;
  /** Keep a file on the server; returns the name that a file input takes. */
  readonly upload: (file: File) => Promise<string>;
  readonly uploadUrl: (name: string) => string;
  readonly artifactUrl: (digest: string) => string;
  /** Say something to the user, briefly. */
  readonly tell: (message: string, kind?: "info" | "error") => void;
};

export type Session = { readonly editor: Editor; readonly run: StoreApi<RunState>; readonly services: Services };

const SessionContext = createContext<Session | null>(null);
export const SessionProvider = SessionContext.Provider;

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("this is drawn outside of a SessionProvider");
  return session;
}

export const useEditor = () => useSession().editor;
export const useDocument = <T,>(select: (state: DocumentState) => T): T =>
  useStore(useSession().editor.document, select);
export const useView = <T,>(select: (state: ViewState) => T): T => useStore(useSession().editor.view, select);
export const useRun = <T,>(select: (state: RunState) => T): T => useStore(useSession().run, select);
