import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { useStore } from "zustand";
import { rank } from "../../graph/search";
import { t } from "../../i18n";
import { COMMANDS, type Command } from "../commands";
import { keysPressed, shown } from "../keys";
import { useWorkplace } from "../workplaceContext";
import { keysOfCommand } from "./bindings";

/** The keys of all commands; a click takes the next keys that are pressed, and says which command had them. */
export function KeySettings({ query }: { readonly query: string }) {
  const found = rank(
    COMMANDS.map((command) => ({ title: t(command.title), words: [command.id], command })),
    query,
  );
  if (found.length === 0) return null;
  return (
    <section className="key-settings">
      <h3>{t("settings.keys")}</h3>
      {found.map(({ command }) => (
        <KeyRow key={command.id} command={command} />
      ))}
    </section>
  );
}

function KeyRow({ command }: { readonly command: Command }) {
  const { settings } = useWorkplace();
  const changed = useStore(settings, (state) => state.keys);
  const [listening, setListening] = useState(false);
  const keys = keysOfCommand(command, changed);
  const rival = COMMANDS.find(
    (other) => other.id !== command.id && keysOfCommand(other, changed).some((key) => keys.includes(key)),
  );
  const said = listening
    ? t("settings.press")
    : keys.map((key) => shown(key).join("+")).join(", ") || t("settings.no_key");
  function take(event: React.KeyboardEvent) {
    event.preventDefault();
    event.stopPropagation();
    const pressed = keysPressed(event.nativeEvent);
    if (pressed === null) return;
    setListening(false);
    if (pressed !== "escape") settings.setState({ keys: { ...changed, [command.id]: [pressed] } });
  }
  return (
    <div className="key-row">
      <span>{t(command.title)}</span>
      {rival && <em role="alert">{t("settings.key_taken", { name: t(rival.title) })}</em>}
      <button
        type="button"
        aria-label={`${t("settings.key_of", { name: t(command.title) })}: ${said}`}
        data-listening={listening}
        onClick={() => setListening(true)}
        onBlur={() => setListening(false)}
        onKeyDown={(event) => listening && take(event)}
      >
        {said}
      </button>
      {Object.hasOwn(changed, command.id) && (
        <button
          type="button"
          className="icon-button small"
          title={t("settings.key_reset")}
          aria-label={t("settings.key_reset")}
          onClick={() => {
            const { [command.id]: _, ...others } = changed;
            settings.setState({ keys: others });
          }}
        >
          <RotateCcw size={12} />
        </button>
      )}
    </div>
  );
}
