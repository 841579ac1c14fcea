import { ChevronDown } from "lucide-react";
import { useState } from "react";
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
  const [open, setOpen] = useState<{ readonly name: GroupName; readonly at: Point } | null>(null);
  function show(name: GroupName) {
    const button = document.querySelector<HTMLElement>(`[data-menu="${name}"]`)?.getBoundingClientRect();
    if (button) setOpen({ name, at: [button.left, button.bottom + 4] });
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
  return (
    <nav className="main-menu" aria-label={t("menu.main")}>
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
          label={t(`menu.${open.name}`)}
          items={GROUPS[open.name].flatMap((list, index): MenuItem[] => [
            ...(index > 0 ? (["divider"] as const) : []),
            ...list.map(item),
          ])}
          onClose={() => setOpen(null)}
          onSide={(by) => show(names[(names.indexOf(open.name) + by + names.length) % names.length] as GroupName)}
        />
      )}
    </nav>
  );
}
