/** Commands that open menus on the canvas. */

import { nodeIds } from "../../canvas/moving";
import { onElement } from "../../canvas/useMenu";
import type { MenuRequest } from "../../editor/store";
import type { Point } from "../../graph/document";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";
import { sceneNow } from "./view";

export const MENU_COMMANDS: readonly Command[] = [
  command("menu", "cmd.menu", ["shift+f10", "contextmenu"], (place) => {
    const focused = document.activeElement?.closest(".graph") ? document.activeElement : null;
    openMenu(place, (focused && onElement(place.editor, focused)) ?? { kind: kindOf(place) }, focused);
  }),
  command("color", "cmd.color", ["c"], (place) => {
    if (nodeIds(place.editor).size > 0) openMenu(place, { kind: "color" });
  }),
];

function kindOf({ editor }: Workplace): "nodes" | "link" | "reroute" | "frame" | "canvas" {
  const { selection, links, reroutes } = editor.document.getState();
  if (reroutes.length > 0) return "reroute";
  if (links.length > 0) return "link";
  if (nodeIds(editor).size > 0) return "nodes";
  return selection.size > 0 ? "frame" : "canvas";
}

/** Open a menu beside what has the focus, or the selected node, or where the pointer was last. */
function openMenu(place: Workplace, target: MenuRequest["target"], focused: Element | null = null): void {
  const { editor } = place;
  const { pointer, viewport, size } = editor.view.getState();
  const port = focused?.closest("[data-port]")?.getBoundingClientRect();
  if (port) {
    editor.view.setState({ menu: { at: pointer, screen: [port.right, port.bottom], target } });
    return;
  }
  const [id] = nodeIds(editor);
  const box = id === undefined ? undefined : sceneNow(place).boxes.get(id);
  const at: Point = box ? [box.x + box.shape.width / 2, box.y + 30] : pointer;
  const canvas = document.querySelector(".graph")?.getBoundingClientRect();
  const inside = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const screen: Point = [
    inside(at[0] * viewport.zoom + viewport.x, size[0]) + (canvas?.left ?? 0),
    inside(at[1] * viewport.zoom + viewport.y, size[1]) + (canvas?.top ?? 0),
  ];
  editor.view.setState({ menu: { at, screen, target } });
}
