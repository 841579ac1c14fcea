/** What a user set for this browser: typed, with defaults, and kept as the differences from them. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { LinkStyle, Look } from "../../editor/look";

export type Settings = {
  readonly theme: "system" | "dark" | "light";
  readonly motion: "system" | "on" | "off";
  readonly links: LinkStyle;
  readonly drag: Look["drag"];
  readonly wheel: Look["wheel"];
  readonly snap: boolean;
  readonly minimap: boolean;
  readonly autosave: boolean;
  /** Whether the system tells of jobs that end while the page is out of sight. */
  readonly notify: boolean;
  /** Keys of commands that the user changed, by the command's id. */
  readonly keys: { readonly [command: string]: readonly string[] };
};

export const DEFAULTS: Settings = {
  theme: "system",
  motion: "system",
  links: "spline",
  drag: "pan",
  wheel: "zoom",
  snap: true,
  minimap: true,
  autosave: false,
  notify: false,
  keys: {},
};

/** What a setting with a few values may be. */
export const CHOICES = {
  theme: ["system", "dark", "light"],
  motion: ["system", "on", "off"],
  links: ["spline", "straight", "angled", "hidden"],
  drag: ["pan", "select"],
  wheel: ["zoom", "pan"],
} as const;

const KEY = "kinegraph.settings";

/** The settings of an earlier visit; whatever in them is no longer valid falls back to its default. */
export function readSettings(text: string | null): Settings {
  let data: unknown;
  try {
    data = JSON.parse(text ?? "{}");
  } catch {
    return DEFAULTS;
  }
  if (typeof data !== "object" || data === null) return DEFAULTS;
  const given = data as { readonly [name: string]: unknown };
  const choice = <N extends keyof typeof CHOICES>(name: N) =>
    (CHOICES[name] as readonly unknown[]).includes(given[name]) ? (given[name] as Settings[N]) : DEFAULTS[name];
  const flag = (name: "snap" | "minimap" | "autosave" | "notify") =>
    typeof given[name] === "boolean" ? (given[name] as boolean) : DEFAULTS[name];
  return {
    theme: choice("theme"),
    motion: choice("motion"),
    links: choice("links"),
    drag: choice("drag"),
    wheel: choice("wheel"),
    snap: flag("snap"),
    minimap: flag("minimap"),
    autosave: flag("autosave"),
    notify: flag("notify"),
    keys: keysOf(given["keys"]),
  };
}

function keysOf(value: unknown): Settings["keys"] {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, keys]) => Array.isArray(keys) && keys.every((key) => typeof key === "string" && key !== ""),
    ),
  ) as Settings["keys"];
}

/** Only what differs, so that a better default of a later version applies. */
export function writeSettings(settings: Settings): string {
  const differs = Object.entries(settings).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(DEFAULTS[name as keyof Settings]),
  );
  return JSON.stringify(Object.fromEntries(differs));
}

/** The settings, kept in this browser and followed when another window changes them. */
export function keptSettings(): StoreApi<Settings> {
  const store = createStore<Settings>(() => readSettings(localStorage.getItem(KEY)));
  store.subscribe((settings) => localStorage.setItem(KEY, writeSettings(settings)));
  window.addEventListener("storage", ({ key, newValue }) => {
    if (key === KEY) store.setState(readSettings(newValue));
  });
  return store;
}

const LIGHT = "(prefers-color-scheme: light)";
const REDUCED = "(prefers-reduced-motion: reduce)";

/** Hear of changes of what the settings leave to the system, for as long as the page lives. */
export function followSystem(changed: () => void): void {
  for (const query of [LIGHT, REDUCED]) window.matchMedia(query).addEventListener("change", changed);
}

export function themeOf({ theme }: Settings): "dark" | "light" {
  if (theme !== "system") return theme;
  return window.matchMedia(LIGHT).matches ? "light" : "dark";
}

export function lookOf({ links, snap, drag, wheel, motion }: Settings): Look {
  const reduced = window.matchMedia(REDUCED).matches;
  return { links, snap, drag, wheel, still: motion === "off" || (motion === "system" && reduced) };
}
