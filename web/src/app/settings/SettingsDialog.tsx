import { type ReactNode, useState } from "react";
import { useStore } from "zustand";
import { rank } from "../../graph/search";
import { type TextKey, t } from "../../i18n";
import { useDialog } from "../useDialog";
import { useWorkplace } from "../workplaceContext";
import { KeySettings } from "./KeySettings";
import { CHOICES, DEFAULTS, type Settings } from "./settings";

type Choice = keyof typeof CHOICES;
type Flag = "snap" | "minimap" | "autosave" | "notify";

const ORDER: readonly (Choice | Flag)[] = [
  "theme",
  "motion",
  "links",
  "drag",
  "wheel",
  "snap",
  "minimap",
  "autosave",
  "notify",
];

/** The user's settings, with a search over all of them. */
export function SettingsDialog() {
  const place = useWorkplace();
  const dialog = useDialog(() => place.ui.setState({ dialog: null }));
  const [query, setQuery] = useState("");
  const shown = rank(
    ORDER.map((name) => ({ title: t(`settings.${name}`), words: [name, t(`settings.${name}_hint`)], name })),
    query,
  );
  return (
    <dialog className="settings popup" aria-label={t("settings.title")} {...dialog}>
      <header>
        <h2>{t("settings.title")}</h2>
        <input
          type="search"
          placeholder={t("settings.search")}
          aria-label={t("settings.search")}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </header>
      <div className="settings-list">
        {shown.map(({ name }) => (
          <Row key={name} name={name} />
        ))}
        <KeySettings query={query} />
      </div>
      <footer>
        <button type="button" onClick={() => place.settings.setState(DEFAULTS)}>
          {t("settings.reset")}
        </button>
        <button type="button" className="main" onClick={() => place.ui.setState({ dialog: null })}>
          {t("panel.close")}
        </button>
      </footer>
    </dialog>
  );
}

function Row({ name }: { readonly name: Choice | Flag }) {
  const { settings } = useWorkplace();
  const value = useStore(settings, (state) => state[name]);
  const id = `setting-${name}`;
  return (
    <label className="setting" htmlFor={id}>
      <span>
        <strong>{t(`settings.${name}`)}</strong>
        <em>{t(`settings.${name}_hint`)}</em>
      </span>
      {typeof value === "boolean" ? (
        <input
          id={id}
          type="checkbox"
          checked={value}
          onChange={(event) => {
            settings.setState({ [name]: event.target.checked });
            if (name === "notify" && event.target.checked) void Notification.requestPermission();
          }}
        />
      ) : (
        <select
          id={id}
          value={value}
          onChange={(event) => settings.setState({ [name]: event.target.value } as Partial<Settings>)}
        >
          {options(name as Choice)}
        </select>
      )}
    </label>
  );
}

function options(name: Choice): ReactNode {
  return CHOICES[name].map((value) => (
    <option key={value} value={value}>
      {t(`settings.${name}.${value}` as TextKey)}
    </option>
  ));
}
