import { type KeyboardEvent, lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { rank } from "../graph/search";
import { t } from "../i18n";
import { CloseButton } from "./CloseButton";
import { COMMANDS, type Command } from "./commands";
import { FindDialog } from "./FindDialog";
import { shown } from "./keys";
import { useDialog } from "./useDialog";
import { useUi, useWorkplace } from "./workplaceContext";

/** Loaded when they are opened for the first time. */
const SettingsDialog = lazy(async () => ({ default: (await import("./settings/SettingsDialog")).SettingsDialog }));
const HelpDialog = lazy(async () => ({ default: (await import("./HelpDialog")).HelpDialog }));

/** The palette and the list of shortcuts, above everything else. */
export function Dialogs() {
  const dialog = useUi((ui) => ui.dialog);
  if (dialog === "palette") return <Palette />;
  if (dialog === "find") return <FindDialog />;
  if (dialog === "shortcuts") return <Shortcuts />;
  return (
    <Suspense fallback={null}>
      {dialog === "settings" ? <SettingsDialog /> : dialog === "help" && <HelpDialog />}
    </Suspense>
  );
}

function Keys({ command }: { readonly command: Command }) {
  const keys = command.keys?.[0];
  if (!keys) return null;
  return (
    <span className="keys">
      {shown(keys).map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </span>
  );
}

function Palette() {
  const place = useWorkplace();
  const close = () => place.ui.setState({ dialog: null });
  const dialog = useDialog(close);
  const [query, setQuery] = useState("");
  const [index, setIndex] = useState(0);
  const found = useMemo(
    () =>
      rank(
        COMMANDS.map((command) => ({ title: t(command.title), words: [command.id], command })),
        query,
      ),
    [query],
  );
  const current = found[Math.min(index, found.length - 1)];
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (current) list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [current]);

  function pick(command: Command | undefined) {
    close();
    if (command) command.run(place);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown") setIndex((now) => Math.min(now + 1, found.length - 1));
    else if (event.key === "ArrowUp") setIndex((now) => Math.max(now - 1, 0));
    else if (event.key === "Enter") pick(current?.command);
    else return;
    event.preventDefault();
  }

  return (
    <dialog className="palette popup" aria-label={t("cmd.palette")} {...dialog}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={current ? `palette-${current.command.id}` : undefined}
        aria-label={t("palette.placeholder")}
        placeholder={t("palette.placeholder")}
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
          {t("palette.nothing")}
        </div>
      )}
      <div id="palette-list" ref={list} role="listbox" aria-label={t("cmd.palette")}>
        {found.map(({ title, command }, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus
          <div
            key={command.id}
            id={`palette-${command.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={command === current?.command}
            onPointerMove={() => setIndex(place)}
            onClick={() => pick(command)}
          >
            <span>{title}</span>
            <Keys command={command} />
          </div>
        ))}
      </div>
    </dialog>
  );
}

function Shortcuts() {
  const place = useWorkplace();
  const dialog = useDialog(() => place.ui.setState({ dialog: null }));
  return (
    <dialog className="shortcuts popup" aria-label={t("cmd.shortcuts")} {...dialog}>
      <CloseButton />
      <h2>{t("cmd.shortcuts")}</h2>
      <ul>
        {COMMANDS.filter((command) => (command.keys ?? []).length > 0).map((command) => (
          <li key={command.id}>
            <span>{t(command.title)}</span>
            <Keys command={command} />
          </li>
        ))}
      </ul>
    </dialog>
  );
}
