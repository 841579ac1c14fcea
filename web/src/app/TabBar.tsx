import { AlertTriangle, Plus, X } from "lucide-react";
import { type DragEvent, type KeyboardEvent, type MouseEvent, useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { isChanged } from "../editor/changed";
import { setTitle } from "../graph/edits";
import { t } from "../i18n";
import { commandById } from "./commands";
import { closeOthers, closeTab, duplicateTab } from "./commands/tabs";
import { Menu } from "./Menu";
import { settleTrouble } from "./saving";
import type { Tab } from "./tabs";
import { sayTrouble } from "./trouble";
import { useTabs, useWorkplace } from "./workplaceContext";

/** The row of open documents: click to go to one, drag to put it elsewhere, middle-click to close it. */
export function TabBar() {
  const place = useWorkplace();
  const list = useTabs((state) => state.list);
  const [dragged, setDragged] = useState<Tab | null>(null);
  const [menu, setMenu] = useState<{ readonly tab: Tab; readonly x: number; readonly y: number } | null>(null);

  function onDragOver(event: DragEvent, over: Tab) {
    if (!dragged) return;
    event.preventDefault();
    const box = event.currentTarget.getBoundingClientRect();
    const from = list.indexOf(dragged);
    const to = list.indexOf(over);
    // Past its middle, so that two tabs of different widths do not change places back and forth.
    const past = event.clientX > box.left + box.width / 2;
    if ((to > from && past) || (to < from && !past)) place.tabs.move(dragged, to);
  }

  return (
    <nav className="tab-bar" aria-label={t("tab.list")}>
      <ul>
        {list.map((tab) => (
          <TabItem
            key={tab.id}
            tab={tab}
            onDrag={setDragged}
            onOver={(event) => onDragOver(event, tab)}
            onMenu={(event) => setMenu({ tab, x: event.clientX, y: event.clientY })}
          />
        ))}
      </ul>
      <button
        type="button"
        className="icon-button small"
        title={t("cmd.new")}
        aria-label={t("cmd.new")}
        onClick={() => commandById("new")?.run(place)}
      >
        <Plus size={15} />
      </button>
      {menu && (
        <Menu
          at={[menu.x, menu.y]}
          label={t("tab.menu")}
          onClose={() => setMenu(null)}
          items={[
            { label: t("cmd.duplicate_tab"), run: () => duplicateTab(menu.tab, place.tabs) },
            { label: t("cmd.close_tab"), run: () => void closeTab(place, menu.tab) },
            {
              label: t("cmd.close_others"),
              disabled: list.length < 2,
              run: () => void closeOthers(place, menu.tab),
            },
          ]}
        />
      )}
    </nav>
  );
}

type TabItemProps = {
  readonly tab: Tab;
  readonly onDrag: (tab: Tab | null) => void;
  readonly onOver: (event: DragEvent) => void;
  readonly onMenu: (event: MouseEvent) => void;
};

function TabItem({ tab, onDrag, onOver, onMenu }: TabItemProps) {
  const place = useWorkplace();
  const active = useTabs((state) => state.active === tab);
  const title = useStore(tab.editor.document, (state) => state.history.document.title) || t("app.untitled");
  const changed = useStore(tab.editor.document, isChanged);
  const trouble = useStore(tab.place, (state) => state.trouble);
  const running = useStore(tab.runner.run, (run) =>
    run.jobs.some((job) => job.entry.id === run.shown && job.entry.state === "running"),
  );
  const [renaming, setRenaming] = useState(false);
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (active) item.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [active]);
  return (
    <li
      ref={item}
      className="tab"
      data-active={active}
      data-changed={changed}
      data-trouble={trouble !== null}
      data-running={running}
      draggable={!renaming}
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = "move";
        onDrag(tab);
      }}
      onDragEnd={() => onDrag(null)}
      onDragOver={onOver}
      onAuxClick={(event) => event.button === 1 && void closeTab(place, tab)}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu(event);
      }}
    >
      {renaming ? (
        <TitleField tab={tab} onDone={() => setRenaming(false)} />
      ) : (
        <button
          type="button"
          className="tab-title"
          title={title}
          aria-current={active ? "page" : undefined}
          onClick={() => place.tabs.activate(tab)}
          onDoubleClick={() => setRenaming(true)}
          onKeyDown={(event) => event.key === "F2" && setRenaming(true)}
        >
          {title}
        </button>
      )}
      {trouble && (
        <button
          type="button"
          className="icon-button tab-trouble"
          title={sayTrouble(tab, trouble)}
          aria-label={sayTrouble(tab, trouble)}
          onClick={() => {
            place.tabs.activate(tab);
            void settleTrouble(place, tab);
          }}
        >
          <AlertTriangle size={14} />
        </button>
      )}
      {changed && <span className="changed" title={t("app.changed")} role="img" aria-label={t("app.changed")} />}
      <button
        type="button"
        className="icon-button tab-close"
        title={t("tab.close", { name: title })}
        aria-label={t("tab.close", { name: title })}
        onClick={() => void closeTab(place, tab)}
      >
        <X size={13} />
      </button>
    </li>
  );
}

function TitleField({ tab, onDone }: { readonly tab: Tab; readonly onDone: () => void }) {
  const [title, setText] = useState(tab.editor.workflow.title ?? "");
  const given = useRef(false);
  function finish(keep: boolean) {
    if (given.current) return;
    given.current = true;
    if (keep && title !== (tab.editor.workflow.title ?? "")) tab.editor.perform(setTitle([], title.trim()));
    onDone();
  }
  return (
    <input
      className="tab-rename"
      aria-label={t("step.rename_workflow")}
      value={title}
      placeholder={t("app.untitled")}
      size={Math.max(title.length, 12)}
      spellCheck={false}
      // biome-ignore lint/a11y/noAutofocus: the user has just asked to type here
      autoFocus
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => finish(true)}
      onKeyDown={(event: KeyboardEvent) => {
        event.stopPropagation();
        if (event.key === "Enter") finish(true);
        if (event.key === "Escape") finish(false);
      }}
    />
  );
}
