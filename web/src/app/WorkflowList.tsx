import { Copy, History, Pencil, Trash2, Undo2 } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { useStore } from "zustand";
import * as library from "../api/library";
import type { WorkflowEntry } from "../api/types";
import { rank } from "../graph/search";
import { t } from "../i18n";
import { attempt, openSaved, openVersion } from "./opening";
import { rename } from "./saving";
import { useWorkplace } from "./workplaceContext";

/** The workflows on the server: find, open, rename, copy, delete, and go back to an earlier version. */
export function WorkflowList() {
  const place = useWorkplace();
  const [entries, setEntries] = useState<readonly WorkflowEntry[] | null>(null);
  const [query, setQuery] = useState("");
  const [deleted, setDeleted] = useState<WorkflowEntry | null>(null);
  const refresh = useCallback(
    () => attempt(place, async () => setEntries((await library.listWorkflows()).workflows)),
    [place],
  );
  const current = useStore(place.tabs.active.place, (state) => state.file);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a save of the tab in view changes the list
  useEffect(() => void refresh(), [refresh, current?.version, current?.id]);
  const found = rank(
    (entries ?? []).map((entry) => ({ title: entry.title || entry.id, words: [entry.id], entry })),
    query,
  );
  async function remove(entry: WorkflowEntry) {
    if (await attempt(place, () => library.deleteWorkflow(entry.id))) setDeleted(entry);
    await refresh();
  }
  async function bringBack(entry: WorkflowEntry) {
    if (await attempt(place, () => library.undeleteWorkflow(entry.id))) setDeleted(null);
    await refresh();
  }
  return (
    <div className="workflow-list">
      <input
        type="search"
        placeholder={t("workflows.search")}
        aria-label={t("workflows.search")}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      {deleted && (
        <p className="undo-row" role="status">
          <span title={deleted.title || deleted.id}>
            {t("workflows.deleted", { name: shortened(deleted.title || deleted.id) })}
          </span>
          <button type="button" onClick={() => void bringBack(deleted)}>
            <Undo2 size={13} />
            {t("cmd.undo")}
          </button>
        </p>
      )}
      {entries !== null && found.length === 0 && (
        <div className="empty">
          <strong>{t(query ? "workflows.nothing" : "workflows.empty")}</strong>
          <span>{t("workflows.empty_hint")}</span>
        </div>
      )}
      <ul>
        {found.map(({ entry }) => (
          <Item key={entry.id} entry={entry} onRemove={() => void remove(entry)} onChange={() => void refresh()} />
        ))}
      </ul>
    </div>
  );
}

type ItemProps = { readonly entry: WorkflowEntry; readonly onRemove: () => void; readonly onChange: () => void };

function Item({ entry, onRemove, onChange }: ItemProps) {
  const place = useWorkplace();
  const [open, setOpen] = useState<"name" | "versions" | null>(null);
  const name = entry.title || entry.id;
  async function change(action: () => Promise<unknown>) {
    await attempt(place, action);
    setOpen(null);
    onChange();
  }
  return (
    <li className="workflow-item">
      {open === "name" ? (
        <NameField name={name} onDone={(title) => void change(async () => title && rename(place, entry.id, title))} />
      ) : (
        <button type="button" className="workflow-open" title={name} onClick={() => void openSaved(place, entry.id)}>
          <strong>{name}</strong>
          <span>
            {t("workflows.version", { count: entry.version })} · {when(entry.modified_at)}
          </span>
        </button>
      )}
      <span className="job-actions">
        <Action label={t("workflows.rename", { name })} icon={<Pencil size={13} />} onClick={() => setOpen("name")} />
        <Action
          label={t("workflows.duplicate", { name })}
          icon={<Copy size={13} />}
          onClick={() => void change(() => library.duplicateWorkflow(entry.id, t("tab.copy_of", { name })))}
        />
        <Action
          label={t("workflows.versions", { name })}
          icon={<History size={13} />}
          onClick={() => setOpen(open === "versions" ? null : "versions")}
        />
        <Action label={t("workflows.delete", { name })} icon={<Trash2 size={13} />} onClick={onRemove} />
      </span>
      {open === "versions" && <Versions id={entry.id} newest={entry.version} onRestore={change} />}
    </li>
  );
}

function Action({
  label,
  icon,
  onClick,
}: {
  readonly label: string;
  readonly icon: ReactNode;
  readonly onClick: () => void;
}) {
  return (
    <button type="button" className="icon-button small" title={label} aria-label={label} onClick={onClick}>
      {icon}
    </button>
  );
}

function NameField({ name, onDone }: { readonly name: string; readonly onDone: (title: string | null) => void }) {
  const [text, setText] = useState(name);
  return (
    <input
      aria-label={t("workflows.name")}
      value={text}
      spellCheck={false}
      // biome-ignore lint/a11y/noAutofocus: the user has just asked to type here
      autoFocus
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => onDone(null)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") onDone(text.trim());
        if (event.key === "Escape") onDone(null);
      }}
    />
  );
}

type VersionsProps = {
  readonly id: string;
  readonly newest: number;
  readonly onRestore: (action: () => Promise<unknown>) => Promise<void>;
};

function Versions({ id, newest, onRestore }: VersionsProps) {
  const place = useWorkplace();
  const [versions, setVersions] = useState<readonly WorkflowEntry[]>([]);
  useEffect(() => {
    void attempt(place, async () => setVersions((await library.listVersions(id)).versions));
  }, [place, id]);
  return (
    <ol className="versions">
      {versions.map(({ version, modified_at, title }) => (
        <li key={version}>
          <button type="button" title={t("workflows.look")} onClick={() => void openVersion(place, id, version)}>
            {t("workflows.version", { count: version })} · {when(modified_at)} · {title}
          </button>
          {version !== newest && (
            <button
              type="button"
              className="text-button"
              onClick={() => void onRestore(() => library.restoreVersion(id, version))}
            >
              {t("workflows.restore")}
            </button>
          )}
        </li>
      ))}
    </ol>
  );
}

/** Characters of a name in a sentence, which has to stay one. */
const MOST_OF_NAME = 60;

function shortened(name: string): string {
  return name.length > MOST_OF_NAME ? `${name.slice(0, MOST_OF_NAME - 1).trimEnd()}…` : name;
}

function when(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
