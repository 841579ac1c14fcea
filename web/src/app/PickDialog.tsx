import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { rank } from "../graph/search";
import { useDialog } from "./useDialog";

export type Choice = {
  readonly id: string;
  readonly title: string;
  readonly words?: readonly string[];
  /** Shown at the right of the title. */
  readonly aside?: ReactNode;
  readonly run: () => void;
};

type PickDialogProps = {
  readonly label: string;
  readonly placeholder: string;
  /** Said where nothing matches. */
  readonly nothing: string;
  readonly choices: readonly Choice[];
  readonly onClose: () => void;
};

/** A list that is narrowed by typing, from which one thing is picked and done. */
export function PickDialog({ label, placeholder, nothing, choices, onClose }: PickDialogProps) {
  const dialog = useDialog(onClose);
  const list = useId();
  const [query, setQuery] = useState("");
  const [index, setIndex] = useState(0);
  const found = useMemo(() => rank(choices, query), [choices, query]);
  const at = Math.min(index, found.length - 1);
  const options = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice is what asks for the scrolling
  useEffect(() => {
    options.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at, found]);

  function pick(choice: Choice | undefined) {
    // The focus goes back to where it was first, so that what is done finds it there.
    dialog.ref.current?.close();
    onClose();
    choice?.run();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown") setIndex(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setIndex(Math.max(at - 1, 0));
    else if (event.key === "Enter" && found[at]) pick(found[at]);
    else return;
    event.preventDefault();
  }

  return (
    <dialog className="palette popup" aria-label={label} {...dialog}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found[at] && `${list}-${at}`}
        aria-label={placeholder}
        placeholder={placeholder}
        value={query}
        spellCheck={false}
        onChange={(event) => {
          setQuery(event.target.value);
          setIndex(0);
        }}
        onKeyDown={onKeyDown}
      />
      {found.length === 0 && (
        <div className="none" role="status">
          {nothing}
        </div>
      )}
      <div id={list} ref={options} role="listbox" aria-label={label}>
        {found.map((choice, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus
          <div
            key={choice.id}
            id={`${list}-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === at}
            onPointerMove={() => setIndex(place)}
            onClick={() => pick(choice)}
          >
            <span>{choice.title}</span>
            {choice.aside}
          </div>
        ))}
      </div>
    </dialog>
  );
}
