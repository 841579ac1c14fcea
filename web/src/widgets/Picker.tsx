import { ChevronDown } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useId, useMemo, useRef, useState } from "react";
import { rank } from "../graph/search";
import { t } from "../i18n";
import { Popover } from "./Popover";

export type Option = {
  readonly key: string;
  readonly title: string;
  readonly icon?: ReactNode;
  /** What else there is to say of it, in small. */
  readonly detail?: string;
};

type PickerProps = {
  readonly id: string;
  readonly label: string;
  readonly options: readonly Option[];
  /** Key of the chosen option; another one when the value is none of them. */
  readonly chosen: string;
  /** What the closed field shows. */
  readonly shown: string;
  readonly invalid: boolean;
  /** What the list says that has nothing to show. */
  readonly none?: string | undefined;
  readonly onPick: (key: string) => void;
  /** Called when the list opens, for options that come from elsewhere. */
  readonly onOpen?: () => void;
};

/** So many options are seen at a glance and need no field to search in. */
const AT_A_GLANCE = 6;

/** One of many: closed, the arrow keys step through; a letter, Enter or a click opens a list that typing searches. */
export function Picker(props: PickerProps) {
  const [query, setQuery] = useState<string | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const at = props.options.findIndex((option) => option.key === props.chosen);

  function open(text = "") {
    props.onOpen?.();
    setQuery(text);
  }

  function close() {
    setQuery(null);
    button.current?.focus();
  }

  function step(by: number) {
    const next = props.options[at + by];
    if (next) props.onPick(next.key);
  }

  function onKeyDown(event: KeyboardEvent) {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || query !== null) return;
    if (key === "ArrowDown") step(1);
    else if (key === "ArrowUp") step(-1);
    else if (key === "Enter" || key === " ") open();
    else if (key.length === 1) open(key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div className="field choice nodrag" data-invalid={props.invalid}>
      <label htmlFor={props.id}>{props.label}</label>
      <button
        ref={button}
        type="button"
        id={props.id}
        role="combobox"
        aria-haspopup="listbox"
        aria-expanded={query !== null}
        aria-invalid={props.invalid}
        onClick={() => (query === null ? open() : close())}
        onKeyDown={onKeyDown}
      >
        {props.shown}
      </button>
      <ChevronDown size={12} aria-hidden />
      {query !== null && <List {...props} query={query} onQuery={setQuery} anchor={button} onClose={close} />}
    </div>
  );
}

type ListProps = PickerProps & {
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly anchor: React.RefObject<HTMLButtonElement | null>;
  readonly onClose: () => void;
};

function List({ options, chosen, label, none, query, onQuery, anchor, onPick, onClose }: ListProps) {
  const field = useRef<HTMLElement>(null);
  field.current = anchor.current?.parentElement ?? null;
  const id = useId();
  const found = useMemo(() => rank(options, query), [options, query]);
  const [index, setIndex] = useState(() => Math.max(0, query ? 0 : options.findIndex(({ key }) => key === chosen)));
  const current = found[Math.min(index, found.length - 1)];

  function pick(option: Option | undefined) {
    if (option) onPick(option.key);
    onClose();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown") setIndex(Math.min(index + 1, found.length - 1));
    else if (event.key === "ArrowUp") setIndex(Math.max(index - 1, 0));
    else if (event.key === "Enter") pick(current);
    else if (event.key === "Tab") onClose();
    else return;
    event.preventDefault();
  }

  return (
    <Popover anchor={field} onClose={onClose} label={label}>
      <input
        className={options.length <= AT_A_GLANCE && query === "" ? "unseen" : ""}
        role="combobox"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={current ? `${id}.${current.key}` : undefined}
        aria-label={t("widget.search", { name: label })}
        placeholder={t("widget.search_options")}
        value={query}
        spellCheck={false}
        onChange={(event) => {
          onQuery(event.target.value);
          setIndex(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div className="options" id={id} role="listbox" aria-label={label}>
        {found.length === 0 && <div className="none">{none ?? t("widget.no_option")}</div>}
        {found.map((option, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus
          <div
            key={option.key}
            id={`${id}.${option.key}`}
            ref={option === current ? scrollTo : null}
            role="option"
            tabIndex={-1}
            aria-selected={option === current}
            data-chosen={option.key === chosen}
            onPointerMove={() => setIndex(place)}
            onClick={() => pick(option)}
          >
            {option.icon}
            <span>{option.title}</span>
            {option.detail && <small>{option.detail}</small>}
          </div>
        ))}
      </div>
    </Popover>
  );
}

function scrollTo(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest" });
}
