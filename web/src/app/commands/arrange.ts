/** Commands that arrange the graph: groups, notes, aligning and spacing. */

import { GROUP_COLORS, GROUP_PREFIX, NOTE_PREFIX } from "../../canvas/frames";
import { boxesInside, bypassGroup, fitGroup, frameAround, removeGroup } from "../../canvas/grouping";
import { nodeIds } from "../../canvas/moving";
import type { Box } from "../../canvas/scene";
import { align, distribute, type Edge, inGrid, inLine, type Placed } from "../../graph/arrange";
import type { Point } from "../../graph/document";
import * as edits from "../../graph/edits";
import { t } from "../../i18n";
import type { Workplace } from "../workplace";
import { type Command, command } from "./command";
import { tidyWell } from "./tidy";
import { sceneNow } from "./view";

type Arrange = (boxes: readonly Placed[]) => Map<string, Point>;

const edge =
  (which: Edge): Arrange =>
  (boxes) =>
    align(boxes, which);

export const ARRANGE_COMMANDS: readonly Command[] = [
  command("tidy", "cmd.tidy", ["l"], (place) => void tidyWell(place)),
  command("group", "cmd.group", ["mod+g"], group),
  command("ungroup", "cmd.ungroup", ["mod+shift+g"], (place) =>
    onGroups(place, (index) => removeGroup(place.editor, index)),
  ),
  command("group_fit", "cmd.group_fit", [], (place) =>
    onGroups(place, (index) => fitGroup(place.editor, sceneNow(place), index)),
  ),
  command("group_bypass", "cmd.group_bypass", [], (place) =>
    onGroups(place, (index) => bypassGroup(place.editor, sceneNow(place), index)),
  ),
  command("group_select", "cmd.group_select", [], selectInside),
  command("note", "cmd.note", ["mod+shift+m"], addNote),
  command("align_left", "cmd.align_left", ["alt+shift+a"], (place) => arrange(place, edge("left"))),
  command("align_center", "cmd.align_center", ["alt+shift+x"], (place) => arrange(place, edge("center"))),
  command("align_right", "cmd.align_right", ["alt+shift+d"], (place) => arrange(place, edge("right"))),
  command("align_top", "cmd.align_top", ["alt+shift+w"], (place) => arrange(place, edge("top"))),
  command("align_middle", "cmd.align_middle", ["alt+shift+y"], (place) => arrange(place, edge("middle"))),
  command("align_bottom", "cmd.align_bottom", ["alt+shift+s"], (place) => arrange(place, edge("bottom"))),
  command("distribute_x", "cmd.distribute_x", ["alt+shift+h"], (place) =>
    arrange(place, (boxes) => distribute(boxes, "x")),
  ),
  command("distribute_y", "cmd.distribute_y", ["alt+shift+v"], (place) =>
    arrange(place, (boxes) => distribute(boxes, "y")),
  ),
  command("arrange_row", "cmd.arrange_row", [], (place) => arrange(place, (boxes) => inLine(boxes, "x"))),
  command("arrange_column", "cmd.arrange_column", [], (place) => arrange(place, (boxes) => inLine(boxes, "y"))),
  command("arrange_grid", "cmd.arrange_grid", [], (place) => arrange(place, inGrid)),
];

function chosenBoxes(place: Workplace): Box[] {
  const ids = nodeIds(place.editor);
  return [...sceneNow(place).boxes.values()].filter((box) => ids.has(box.id) && !box.pinned);
}

function arrange(place: Workplace, how: Arrange): void {
  const boxes = chosenBoxes(place);
  if (boxes.length < 2) {
    place.tell(t("tell.select_several"));
    return;
  }
  const places = how(boxes.map(({ id, x, y, shape }) => ({ id, x, y, width: shape.width, height: shape.height })));
  place.editor.edit((workflow, path) => ({
    ...edits.moveNodes(workflow, path, places),
    label: { key: "arrange", count: boxes.length },
  }));
}

function group(place: Workplace): void {
  const { editor } = place;
  const frame = frameAround(chosenBoxes(place));
  if (!frame) {
    place.tell(t("tell.select_first"));
    return;
  }
  const groups = editor.scope.groups ?? [];
  const color = GROUP_COLORS[groups.length % GROUP_COLORS.length] ?? GROUP_COLORS[0];
  editor.perform(
    edits.setGroups(editor.path, [...groups, { title: t("group.untitled"), ...frame, color }], "add_group"),
  );
  const id = `${GROUP_PREFIX}${groups.length}`;
  editor.select([id]);
  editor.view.setState({ renaming: id });
}

/** Do something with each selected group, or with the one that the only selected node is in. */
function onGroups(place: Workplace, act: (index: number) => void): void {
  const chosen = chosenGroups(place);
  if (chosen.length === 0) place.tell(t("tell.select_group"));
  // From the last one on: taking one away moves those behind it.
  for (const index of chosen.toReversed()) act(index);
}

function chosenGroups(place: Workplace): number[] {
  const { selection } = place.editor.document.getState();
  const indices = [...selection]
    .filter((id) => id.startsWith(GROUP_PREFIX))
    .map((id) => Number(id.slice(GROUP_PREFIX.length)));
  if (indices.length > 0) return indices.sort((one, two) => one - two);
  const scene = sceneNow(place);
  const holds = (entry: Parameters<typeof boxesInside>[1]) =>
    boxesInside(scene, entry).some((box) => selection.has(box.id));
  return (place.editor.scope.groups ?? []).flatMap((entry, index) => (holds(entry) ? [index] : []));
}

function selectInside(place: Workplace): void {
  const scene = sceneNow(place);
  const groups = place.editor.scope.groups ?? [];
  place.editor.select(
    chosenGroups(place).flatMap((index) => boxesInside(scene, groups[index] ?? {}).map((box) => box.id)),
  );
}

function addNote({ editor }: Workplace): void {
  const { pointer } = editor.view.getState();
  const notes = editor.scope.notes ?? [];
  const at: Point = [Math.round(pointer[0]), Math.round(pointer[1])];
  editor.perform(edits.setNotes(editor.path, [...notes, { text: "", at, size: [260, 140] }], "add_note"));
  const id = `${NOTE_PREFIX}${notes.length}`;
  editor.select([id]);
  editor.view.setState({ renaming: id });
}
