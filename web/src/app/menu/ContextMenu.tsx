import { useView } from "../../editor/context";
import { t } from "../../i18n";
import { Menu } from "../Menu";
import { useWorkplace } from "../workplaceContext";
import { menuItems } from "./items";

/** The menu of what was clicked with the right button, or is selected when the menu key is pressed. */
export function ContextMenu() {
  const place = useWorkplace();
  const menu = useView((view) => view.menu);
  if (!menu) return null;
  return (
    <Menu
      key={`${menu.target.kind} ${menu.screen.join(" ")}`}
      at={menu.screen}
      label={t("menu.context")}
      items={menuItems(place, menu.target)}
      onClose={() => place.editor.view.setState({ menu: null })}
    />
  );
}
