import { useEffect, useRef } from "react";

/** What a modal dialog needs: it opens with its component, and closes by Escape or a click beside it. */
export function useDialog(onClose: () => void) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return {
    ref: element,
    onClose,
    onCancel: onClose,
    onClick: (event: React.MouseEvent) => event.target === element.current && onClose(),
  };
}
