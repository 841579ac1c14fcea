import { NodeResizer } from "@xyflow/react";
import { memo, useState } from "react";
import { useDocument, useEditor } from "../editor/context";
import type { Group } from "../graph/document";
import { setGroups } from "../graph/edits";
import { t } from "../i18n";

export const GROUP_PREFIX = "group:";
export const GROUP_COLORS = ["#6d5cff", "#2f9e8f", "#c77d2e", "#c2497a", "#3d7bd9", "#6f7683"] as const;

/** A frame around nodes: dragged by its title, with all that lies in it. */
export const GroupFrame = memo(function GroupFrame({
  id,
  selected,
}: {
  readonly id: string;
  readonly selected?: boolean;
}) {
  const editor = useEditor();
  const index = Number(id.slice(GROUP_PREFIX.length));
  const group = useDocument((state) => state.history.document.groups?.[index]);
  const [editing, setEditing] = useState(false);
  if (!group) return null;
  const change = (fields: Partial<Group>) =>
    editor.edit((workflow) =>
      setGroups(
        (workflow.groups ?? []).map((entry, place) => (place === index ? { ...entry, ...fields } : entry)),
        "edit_group",
      ),
    );
  return (
    <section
      className="group"
      data-selected={selected}
      style={{ "--group": group.color ?? GROUP_COLORS[0] } as React.CSSProperties}
      aria-label={group.title || t("group.untitled")}
    >
      <NodeResizer
        isVisible={selected ?? false}
        minWidth={160}
        minHeight={80}
        onResizeEnd={(_, box) =>
          change({ at: [Math.round(box.x), Math.round(box.y)], size: [Math.round(box.width), Math.round(box.height)] })
        }
      />
      <div className="group-title">
        {editing ? (
          <input
            className="nodrag"
            value={group.title ?? ""}
            // biome-ignore lint/a11y/noAutofocus: the user has just asked to type here
            autoFocus
            onChange={(event) => change({ title: event.target.value })}
            onBlur={() => setEditing(false)}
            onKeyDown={(event) => (event.key === "Enter" || event.key === "Escape") && setEditing(false)}
          />
        ) : (
          // biome-ignore lint/a11y/noStaticElementInteractions: F2 renames the selected group as well
          <span onDoubleClick={() => setEditing(true)}>{group.title || t("group.untitled")}</span>
        )}
        {selected && (
          <div className="group-colors nodrag">
            {GROUP_COLORS.map((color) => (
              <button
                key={color}
                type="button"
                aria-label={color}
                style={{ background: color }}
                onClick={() => change({ color })}
              />
            ))}
          </div>
        )}
      </div>
    </section>
  );
});
