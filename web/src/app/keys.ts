/** Keys as commands name them: `mod+shift+z`, `f2`, `.`; `mod` is Ctrl, or Command on a Mac. */

const isMac = /mac|iphone|ipad/i.test(navigator.platform);

const SHOWN: Record<string, string> = {
  mod: isMac ? "⌘" : "Ctrl",
  shift: isMac ? "⇧" : "Shift",
  alt: isMac ? "⌥" : "Alt",
  enter: "Enter",
  space: "Space",
  delete: "Del",
  escape: "Esc",
  pageup: "PgUp",
  pagedown: "PgDn",
  tab: "Tab",
  home: "Home",
  end: "End",
  backspace: "Backspace",
  contextmenu: "Menu",
  arrowup: "↑",
  arrowdown: "↓",
  arrowleft: "←",
  arrowright: "→",
};

export function matches(event: KeyboardEvent, keys: string): boolean {
  const parts = keys.split("+");
  const key = parts.at(-1) ?? "";
  const mod = isMac ? event.metaKey : event.ctrlKey;
  if (parts.includes("mod") !== mod || parts.includes("alt") !== event.altKey) return false;
  // Shift is part of how some signs are typed, so it counts for letters and named keys only.
  if (key.length > 1 || /[a-z]/.test(key)) if (parts.includes("shift") !== event.shiftKey) return false;
  return nameOf(event) === key;
}

function nameOf(event: KeyboardEvent): string {
  if (event.key === " ") return "space";
  // With Alt held, Macs type other signs; the key's own letter or digit is in its code.
  if (event.altKey && /^(Key|Digit)/.test(event.code)) return event.code.replace(/^(Key|Digit)/, "").toLowerCase();
  return event.key.toLowerCase();
}

const MODIFIERS = new Set(["control", "shift", "alt", "meta"]);

/** What was pressed, as commands name keys; null while only modifiers are down. */
export function keysPressed(event: KeyboardEvent): string | null {
  const key = nameOf(event);
  if (MODIFIERS.has(key)) return null;
  const counts = key.length > 1 || /[a-z]/.test(key);
  const parts = [
    (isMac ? event.metaKey : event.ctrlKey) && "mod",
    event.altKey && "alt",
    counts && event.shiftKey && "shift",
    key,
  ];
  return parts.filter(Boolean).join("+");
}

/** The keys as people read them, one text a key. */
export function shown(keys: string): string[] {
  return keys.split("+").map((part) => SHOWN[part] ?? part.toUpperCase());
}

/** Whether the user is typing, so that letters are letters. */
export function isTyping(target: EventTarget | null): boolean {
  const element = target instanceof Element ? target : null;
  if (!element) return false;
  return element.matches(
    "textarea, select, [contenteditable], input:not([type=range]):not([type=checkbox]):not([type=button])",
  );
}
