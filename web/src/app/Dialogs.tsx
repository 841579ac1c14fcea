import { lazy, Suspense, useMemo } from "react";
import { t } from "../i18n";
import { CloseButton } from "./CloseButton";
import { COMMANDS, type Command } from "./commands";
import { FindDialog } from "./FindDialog";
import { shown } from "./keys";
import { LinkDialog } from "./LinkDialogs";
import { PickDialog } from "./PickDialog";
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
  if (dialog === "link" || dialog === "cut" || dialog === "follow") return <LinkDialog key={dialog} kind={dialog} />;
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
  const choices = useMemo(
    () =>
      COMMANDS.map((command) => ({
        id: command.id,
        title: t(command.title),
        words: [command.id],
        aside: <Keys command={command} />,
        run: () => command.run(place),
      })),
    [place],
  );
  return (
    <PickDialog
      label={t("cmd.palette")}
      placeholder={t("palette.placeholder")}
      nothing={t("palette.nothing")}
      choices={choices}
      onClose={() => place.ui.setState(({ dialog }) => (dialog === "palette" ? { dialog: null } : {}))}
    />
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
