import { type ReactNode, type RefObject, useLayoutEffect, useRef } from "react";

type PopoverProps = {
  readonly anchor: RefObject<HTMLElement | null>;
  readonly onClose: () => void;
  readonly label?: string;
  readonly children: ReactNode;
};

/** Pixels between a popover and what it hangs on. */
const GAP = 4;
const EDGE = 8;

/**
 * Something that hangs on a field, above all else and unscaled by the canvas's zoom. It goes when the pointer is
 * pressed elsewhere, at Escape, and when the canvas moves beneath it.
 */
export function Popover({ anchor, onClose, label, children }: PopoverProps) {
  const element = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;

  useLayoutEffect(() => {
    const shown = element.current;
    if (!shown) return;
    shown.showPopover();
    place(shown, anchor.current);
    // Nothing in it could have the focus before it was shown.
    shown.querySelector<HTMLElement>("input:checked, input, button")?.focus();
    const stop = new AbortController();
    const outside = (event: Event) => {
      const target = event.target as Node;
      if (!shown.contains(target) && !anchor.current?.contains(target)) close.current();
    };
    const options = { capture: true, signal: stop.signal };
    document.addEventListener("pointerdown", outside, options);
    document.addEventListener("wheel", outside, { ...options, passive: true });
    window.addEventListener("resize", () => close.current(), options);
    const sized = new ResizeObserver(() => place(shown, anchor.current));
    sized.observe(shown);
    return () => {
      stop.abort();
      sized.disconnect();
    };
  }, [anchor]);

  return (
    <div
      ref={element}
      popover="manual"
      role="dialog"
      aria-label={label}
      className="popup popover nodrag nowheel nopan"
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}
    >
      {children}
    </div>
  );
}

/** Below the anchor, or above where there is more room; as wide as the anchor at least, and inside of the window. */
function place(shown: HTMLElement, anchor: HTMLElement | null): void {
  if (!anchor) return;
  const at = anchor.getBoundingClientRect();
  shown.style.minWidth = `${Math.max(at.width, 160)}px`;
  const below = window.innerHeight - at.bottom - GAP - EDGE;
  const above = at.top - GAP - EDGE;
  const up = shown.offsetHeight > below && above > below;
  shown.style.maxHeight = `${Math.max(up ? above : below, 120)}px`;
  const left = Math.min(at.left, window.innerWidth - shown.offsetWidth - EDGE);
  shown.style.left = `${Math.max(left, EDGE)}px`;
  shown.style.top = `${up ? Math.max(at.top - GAP - shown.offsetHeight, EDGE) : at.bottom + GAP}px`;
}
