import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Point } from "../graph/document";

export type MenuItem =
  | "divider"
  | {
      readonly label: string;
      /** Keys that do the same, as people read them. */
      readonly keys?: readonly string[] | undefined;
      readonly disabled?: boolean | undefined;
      /** For what is switched on and off: whether it is on. */
      readonly checked?: boolean | undefined;
      /** Shown beside the label. */
      readonly color?: string | undefined;
      readonly run: () => void;
    };

type MenuProps = {
  readonly at: Point;
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly onClose: () => void;
  /** Left and right lead to the neighbours of a menu that stands in a row of menus. */
  readonly onSide?: (by: number) => void;
};

/** A menu at a place of the window. Arrow keys, first letters, Enter and Escape work; a click elsewhere closes it. */
export function Menu({ at, label, items, onClose, onSide }: MenuProps) {
  const element = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<Point>(at);
  const [before] = useState(() => document.activeElement);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another menu at the same place begins at its own first line
  useLayoutEffect(() => {
    const box = element.current?.getBoundingClientRect();
    if (box)
      setPlace([
        Math.max(4, Math.min(at[0], window.innerWidth - box.width - 4)),
        Math.max(4, Math.min(at[1], window.innerHeight - box.height - 4)),
      ]);
    const menu = element.current;
    menu?.querySelector<HTMLElement>("button:not(:disabled)")?.focus({ preventScroll: true });
    return () => {
      const mine = menu?.contains(document.activeElement) || document.activeElement === document.body;
      if (mine && before instanceof HTMLElement) before.focus();
    };
  }, [at[0], at[1], label, before]);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!element.current?.contains(event.target as Node)) onClose();
    };
    window.addEventListener("pointerdown", outside, true);
    return () => window.removeEventListener("pointerdown", outside, true);
  }, [onClose]);

  function onKeyDown(event: KeyboardEvent) {
    event.stopPropagation();
    const buttons = [...(element.current?.querySelectorAll<HTMLElement>("button:not(:disabled)") ?? [])];
    const index = buttons.indexOf(document.activeElement as HTMLElement);
    const to = wanted(event.key, index, buttons.length);
    if (event.key === "Escape" || event.key === "Tab") onClose();
    else if (event.key === "ArrowRight") onSide?.(1);
    else if (event.key === "ArrowLeft") onSide?.(-1);
    else if (to !== null) buttons[(to + buttons.length) % buttons.length]?.focus();
    else if (!byLetter(event, buttons, index)) return;
    event.preventDefault();
  }

  return (
    <div
      ref={element}
      className="menu popup"
      role="menu"
      aria-label={label}
      tabIndex={-1}
      style={{ left: place[0], top: place[1] }}
      onKeyDown={onKeyDown}
    >
      {items.map((item, index) =>
        item === "divider" ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: dividers have nothing else to be told apart by
          <hr key={`divider ${index}`} />
        ) : (
          <button
            key={item.label}
            type="button"
            {...(item.checked === undefined
              ? { role: "menuitem" }
              : { role: "menuitemcheckbox", "aria-checked": item.checked })}
            disabled={item.disabled}
            // A menu that opens below a pointer which rests leaves the keys where they are.
            onPointerMove={(event) => (event.movementX !== 0 || event.movementY !== 0) && event.currentTarget.focus()}
            onClick={() => {
              onClose();
              // What is done finds the focus where it was.
              if (before instanceof HTMLElement) before.focus({ preventScroll: true });
              item.run();
            }}
          >
            <i>{item.checked ? "✓" : ""}</i>
            {item.color && <b style={{ background: item.color }} />}
            <span>{item.label}</span>
            {item.keys && <em>{item.keys.join("+")}</em>}
          </button>
        ),
      )}
    </div>
  );
}

/** The item that a key leads to, or null. */
function wanted(key: string, index: number, count: number): number | null {
  if (key === "ArrowDown") return index + 1;
  if (key === "ArrowUp") return Math.max(index, 0) - 1;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

/** Go to the next item that begins with the typed letter. */
function byLetter(event: KeyboardEvent, buttons: readonly HTMLElement[], index: number): boolean {
  if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return false;
  const ahead = [...buttons.slice(index + 1), ...buttons.slice(0, index + 1)];
  const found = ahead.find((button) => button.innerText.trim().toLowerCase().startsWith(event.key.toLowerCase()));
  found?.focus();
  return found !== undefined;
}
