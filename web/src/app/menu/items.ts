/** What the context menus offer: commands of the registry by what the menu is about, and what is said of a socket. */

import { linkedEnds } from "../../canvas/connecting";
import { COLOR_NAMES, GROUP_COLORS, GROUP_PREFIX } from "../../canvas/frames";
import { nodeIds } from "../../canvas/moving";
import type { MenuRequest } from "../../editor/store";
import { inputsOf, isLink, nodesOf } from "../../graph/document";
import { setField, setInput } from "../../graph/edits";
import { exposedName, toggleExposed } from "../../graph/exposed";
import { disconnect } from "../../graph/removing";
import { t } from "../../i18n";
import { commandById } from "../commands";
import { pairOf, resultsOf } from "../commands/media";
import { instances } from "../commands/subgraphs";
import { shown } from "../keys";
import type { MenuItem } from "../Menu";
import type { Workplace } from "../workplace";

type Target = MenuRequest["target"];
type Entries = readonly (string | false)[];

const CANVAS: Entries = [
  "search",
  "paste",
  "paste_links",
  "-",
  "note",
  "select_all",
  "tidy",
  "find",
  "fit",
  "-",
  "undo",
  "redo",
  "run",
];
const EDITS: Entries = ["copy", "cut", "duplicate", "delete", "delete_through"];
const LOOKS: Entries = ["rename", "color", "collapse", "pin", "replace", "help"];

/** The items of a menu. */
export function menuItems(place: Workplace, target: Target): MenuItem[] {
  const { editor } = place;
  switch (target.kind) {
    case "canvas":
      return commands(place, [...CANVAS, editor.trail.length > 0 && "leave_subgraph"]);
    case "link":
      return commands(place, ["reroute", "insert_node", "delete"]);
    case "reroute":
      return commands(place, ["delete"]);
    case "frame":
      return commands(place, frameEntries(place));
    case "color":
      return colors(place);
    case "nodes":
      return ofNodes(place);
    case "socket":
      return [...ofSocket(place, target), "divider", ...ofNodes(place)];
  }
}

/** What can be done with the selected groups or notes. */
function frameEntries({ editor }: Workplace): Entries {
  const isGroup = [...editor.document.getState().selection].some((id) => id.startsWith(GROUP_PREFIX));
  const group: Entries = ["group_select", "group_fit", "group_bypass", "-"];
  const edits: Entries = ["copy", "cut", "duplicate", "-", ...(isGroup ? ["ungroup"] : []), "delete"];
  return [...(isGroup ? group : []), "rename", "fit_selection", "-", ...edits];
}

function ofNodes(place: Workplace): MenuItem[] {
  const hasSubgraph = instances(place.editor).length > 0;
  const inside: Entries = hasSubgraph ? ["enter_subgraph", "unpack_subgraph", "independent", "-"] : [];
  const nodes = nodesOf(place.editor.scope);
  const isSized = [...nodeIds(place.editor)].some((id) => nodes[id]?.size !== undefined);
  const modes: Entries = ["bypass", "mute", "-"];
  const several: Entries =
    nodeIds(place.editor).size > 1 ? ["align_left", "align_top", "distribute_x", "tidy", "-"] : [];
  const more: Entries = ["-", ...several, "make_subgraph", "group", "select_upstream", "select_downstream"];
  return commands(place, [
    ...inside,
    "run_selected",
    pairOf(place) !== null && "compare",
    resultsOf(place).length > 0 && "use_as_input",
    ...modes,
    ...EDITS,
    "-",
    ...LOOKS,
    isSized && "own_size",
    ...more,
  ]);
}

/** Commands as items; `-` stands for a line between them. */
function commands(place: Workplace, ids: Entries): MenuItem[] {
  return ids.flatMap((id): MenuItem[] => {
    if (id === "-") return ["divider"];
    const command = id === false ? undefined : commandById(id);
    if (!command) return [];
    const [keys] = command.keys ?? [];
    const checked = isOn(place, command.id);
    return [
      {
        label: t(command.title),
        keys: keys === undefined ? undefined : shown(keys),
        ...(checked === null ? {} : { checked }),
        run: () => command.run(place),
      },
    ];
  });
}

/** For what a command switches on and off: whether all selected nodes have it. */
function isOn({ editor }: Workplace, id: string): boolean | null {
  const nodes = [...nodeIds(editor)].map((name) => nodesOf(editor.scope)[name]);
  if (id === "collapse") return nodes.every((node) => node?.collapsed === true);
  if (id === "pin") return nodes.every((node) => node?.pinned === true);
  return id === "bypass" || id === "mute" ? nodes.every((node) => node?.mode === id) : null;
}

function ofSocket({ editor }: Workplace, target: Target & { kind: "socket" }): MenuItem[] {
  const { side, node, name } = target;
  const known = exposedName(editor.workflow, editor.path, side, node, name);
  const isInside = editor.path.length > 0;
  const label = known !== undefined ? "menu.hide" : isInside ? "menu.show" : "menu.expose";
  const value = inputsOf(nodesOf(editor.scope)[node] ?? { type: "" })[name];
  const end = { node, input: name };
  const port =
    side === "inputs" ? ({ side: "input", end } as const) : ({ side: "output", end: { node, output: name } } as const);
  const links = linkedEnds(editor, port).length > 0 && (side === "outputs" || isLink(value));
  return [
    {
      label: t(label, { name: known ?? name }),
      run: () => editor.edit((workflow, path) => toggleExposed(workflow, path, side, node, name)),
    },
    {
      label: t("menu.cut_links"),
      disabled: !links,
      run: () => editor.edit((workflow, path) => disconnect(workflow, path, linkedEnds(editor, port))),
    },
    ...(side === "outputs"
      ? []
      : [
          {
            label: t("widget.reset"),
            disabled: value === undefined || isLink(value),
            run: () => editor.edit((workflow, path) => setInput(workflow, path, end, undefined)),
          },
        ]),
  ];
}

/** The colors that nodes can have. */
function colors({ editor }: Workplace): MenuItem[] {
  const ids = [...nodeIds(editor)];
  const has = (color: string | undefined) => ids.every((id) => nodesOf(editor.scope)[id]?.color === color);
  const set = (color: string | undefined) => () =>
    editor.edit((workflow, path) => setField(workflow, path, ids, "color", color));
  return [
    { label: t("color.none"), checked: has(undefined), run: set(undefined) },
    "divider",
    ...COLOR_NAMES.map((name, index) => {
      const color = GROUP_COLORS[index];
      return { label: t(`color.${name}`), color, checked: has(color), run: set(color) };
    }),
  ];
}
