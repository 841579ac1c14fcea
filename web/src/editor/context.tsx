/** Hands the open document, its runs and the services of the surrounding app to what is drawn. */
import { createContext, useContext } from "react";
import { type StoreApi, useStore } from "zustand";
import type { FileFacts } from "../api/types";
import type { ScopePath } from "../graph/document";
import type { Artifact } from "../run/events";
import type { RunState } from "../run/state";
import type { Look } from "./look";
import type { DocumentState, Editor, ViewState } from "./store";

export type { FileFacts } from "../api/types";

/** A seed of an earlier run; `picture` is what came of it, if that can be seen. */
export type UsedSeed = { readonly seed: number; readonly at: number; readonly picture: Artifact | null };

/** A weight file or a folder that a model input takes by its name. */
export type KnownModel = { readonly name: string; readonly bytes: number };

/** What widgets and cards may ask of the world outside the document. */
export type Services = {
  readonly models: () => Promise<readonly KnownModel[]>;
  readonly uploads: () => Promise<readonly string[]>;
  /** Keep a file on the server; returns the name that a file input takes. */
  readonly upload: (file: File) => Promise<string>;
  readonly uploadUrl: (name: string) => string;
  readonly artifactUrl: (digest: string) => string;
  /** What a file is; `src` is an address from `uploadUrl` or `artifactUrl`, here and below. */
  readonly facts: (src: string) => Promise<FileFacts>;
  /** How loud a file is over its time, from 0 to 1; empty without sound. */
  readonly peaks: (src: string, count: number) => Promise<readonly number[]>;
  /** Address of a picture of so many frames of a video side by side. */
  readonly stripUrl: (src: string, frames: number) => string;
  /** Address of a copy of a video that this browser plays. */
  readonly playableUrl: (src: string) => string;
  /** Make a produced file one that workflows can load; returns the name that a file input takes. */
  readonly keepAsUpload: (digest: string) => Promise<string>;
  readonly usedSeeds: (path: ScopePath, node: string, input: string) => Promise<readonly UsedSeed[]>;
  /** The module with a pack's own widgets. Fails with a reason when it is not allowed, missing or broken. */
  readonly packScript: (pack: string) => Promise<unknown>;
  /** Say something to the user, briefly. */
  readonly tell: (message: string, kind?: "info" | "error") => void;
};

export type Session = {
  readonly editor: Editor;
  readonly run: StoreApi<RunState>;
  readonly services: Services;
  readonly look: StoreApi<Look>;
};

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
export const useLook = <T,>(select: (look: Look) => T): T => useStore(useSession().look, select);
