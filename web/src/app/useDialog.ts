import { useEffect, useRef } from "react";

/** What a modal dialog needs: it opens with its component, closes by Escape or a click beside it, and gives the focus back. */
export function useDialog(onClose: () => void) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      // Whoever has taken the focus meanwhile keeps it.
      if (document.activeElement === document.body && before instanceof HTMLElement)
        before.focus({ preventScroll: true });
    };
  }, []);
  return {
    ref: element,
    onClose,
    onCancel: onClose,
    onClick: (event: React.MouseEvent) => event.target === element.current && onClose(),
  };
}
