import { ChevronDown, Menu as MenuIcon } from "lucide-react";
import { useRef, useState } from "react";
import { useStore } from "zustand";
import type { Point } from "../graph/document";
import { t } from "../i18n";
import { type Command, GROUPS, type GroupName } from "./commands";
import { shown } from "./keys";
import { Menu, type MenuItem } from "./Menu";
import { keysOfCommand } from "./settings/bindings";
import { useWorkplace } from "./workplaceContext";

/** The menus of the window: every command is in one of them. */
export function MainMenu() {
  const place = useWorkplace();
  const changed = useStore(place.settings, (settings) => settings.keys);
  const [open, setOpen] = useState<{ readonly name: GroupName | "all"; readonly at: Point } | null>(null);
  const row = useRef<HTMLElement>(null);
  function show(name: GroupName | "all") {
    // In a narrow window one button stands for all of them.
    const buttons = [...(row.current?.querySelectorAll(`[data-menu="${name}"], [data-menus]`) ?? [])];
    const seen = buttons.map((button) => button.getBoundingClientRect()).find((box) => box.width > 0);
    if (seen) setOpen({ name, at: [seen.left, seen.bottom + 4] });
  }
  function item(command: Command): MenuItem {
    const [keys] = keysOfCommand(command, changed);
    return {
      label: t(command.title),
      keys: keys === undefined ? undefined : shown(keys),
      run: () => command.run(place),
    };
  }
  const names = Object.keys(GROUPS) as GroupName[];
  function items(name: GroupName | "all"): readonly MenuItem[] {
    if (name === "all") return names.map((group) => ({ label: t(`menu.${group}`), run: () => show(group) }));
    return GROUPS[name].flatMap((list, index): MenuItem[] => [
      ...(index > 0 ? (["divider"] as const) : []),
      ...list.map(item),
    ]);
  }
  function beside(name: GroupName | "all", by: number) {
    if (name !== "all") show(names[(names.indexOf(name) + by + names.length) % names.length] as GroupName);
  }
  return (
    <nav ref={row} className="main-menu" aria-label={t("menu.main")}>
      <button
        type="button"
        className="icon-button"
        data-menus
        title={t("menu.main")}
        aria-label={t("menu.main")}
        aria-haspopup="menu"
        aria-expanded={open !== null}
        onClick={() => show("all")}
      >
        <MenuIcon size={16} />
      </button>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          data-menu={name}
          aria-haspopup="menu"
          aria-expanded={open?.name === name}
          onClick={() => show(name)}
          onPointerEnter={() => open && show(name)}
        >
          {t(`menu.${name}`)}
          <ChevronDown size={11} aria-hidden />
        </button>
      ))}
      {open && (
        <Menu
          at={open.at}
          label={open.name === "all" ? t("menu.main") : t(`menu.${open.name}`)}
          items={items(open.name)}
          onClose={() => setOpen(null)}
          onSide={(by) => beside(open.name, by)}
        />
      )}
    </nav>
  );
}
