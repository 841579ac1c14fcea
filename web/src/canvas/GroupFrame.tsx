import { NodeResizer } from "@xyflow/react";
import { Maximize2, Power, Trash2 } from "lucide-react";
import { memo, type ReactNode, useState } from "react";
import { useDocument, useEditor, useView } from "../editor/context";
import { type Group, scopeAt } from "../graph/document";
import { setGroups } from "../graph/edits";
import { t } from "../i18n";
import { useCanvas } from "./context";
import { COLOR_NAMES, GROUP_COLORS, GROUP_PREFIX } from "./frames";
import { bypassGroup, fitGroup, removeGroup } from "./grouping";
import { useFocusWanted } from "./keyboard/useFocusWanted";

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
  const group = useDocument((state) => scopeAt(state.history.document, state.scope).groups?.[index]);
  const renaming = useView((view) => view.renaming === id);
  const element = useFocusWanted(id);
  if (!group) return null;
  const rename = (on: boolean) => editor.view.setState({ renaming: on ? id : null });
  const change = (fields: Partial<Group>) =>
    editor.edit((workflow, path) => {
      const groups = scopeAt(workflow, path).groups ?? [];
      const changed = groups.map((entry, place) => (place === index ? { ...entry, ...fields } : entry));
      return setGroups(path, changed, "edit_group");
    });
  return (
    <section
      ref={element}
      className="group"
      tabIndex={-1}
      data-card={id}
      data-selected={selected}
      aria-label={t("say.group", { name: group.title || t("group.untitled") })}
      style={{ "--group": group.color ?? GROUP_COLORS[0] } as React.CSSProperties}
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
        {renaming ? (
          <TitleField
            title={group.title ?? ""}
            onDone={(title) => {
              rename(false);
              if (title !== null && title !== (group.title ?? "")) change({ title });
            }}
          />
        ) : (
          // biome-ignore lint/a11y/noStaticElementInteractions: F2 renames the selected group as well
          <span onDoubleClick={() => rename(true)}>{group.title || t("group.untitled")}</span>
        )}
        {selected && <Tools index={index} color={group.color} onColor={(color) => change({ color })} />}
      </div>
    </section>
  );
});

function TitleField({ title, onDone }: { readonly title: string; readonly onDone: (title: string | null) => void }) {
  const [text, setText] = useState(title);
  return (
    <input
      className="nodrag"
      aria-label={t("cmd.rename")}
      value={text}
      // biome-ignore lint/a11y/noAutofocus: the user has just asked to type here
      autoFocus
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => onDone(text)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") onDone(text);
        if (event.key === "Escape") onDone(null);
      }}
    />
  );
}

/** What can be done with the selected group. */
function Tools({
  index,
  color,
  onColor,
}: {
  readonly index: number;
  readonly color: string | undefined;
  readonly onColor: (color: string) => void;
}) {
  const editor = useEditor();
  const { scene } = useCanvas();
  return (
    <div className="group-tools nodrag" role="toolbar" aria-label={t("group.tools")}>
      {COLOR_NAMES.map((name, place) => {
        const entry = GROUP_COLORS[place] ?? GROUP_COLORS[0];
        const label = t("group.color", { name: t(`color.${name}`) });
        return (
          <button
            key={name}
            type="button"
            className="group-color"
            title={label}
            aria-label={label}
            aria-pressed={entry === (color ?? GROUP_COLORS[0])}
            style={{ background: entry }}
            onClick={() => onColor(entry)}
          />
        );
      })}
      <i className="divider" />
      <Tool label={t("cmd.group_fit")} onClick={() => fitGroup(editor, scene.current, index)}>
        <Maximize2 size={13} />
      </Tool>
      <Tool label={t("cmd.group_bypass")} onClick={() => bypassGroup(editor, scene.current, index)}>
        <Power size={13} />
      </Tool>
      <Tool label={t("cmd.ungroup")} onClick={() => removeGroup(editor, index)}>
        <Trash2 size={13} />
      </Tool>
    </div>
  );
}

function Tool({
  label,
  onClick,
  children,
}: {
  readonly label: string;
  readonly onClick: () => void;
  readonly children: ReactNode;
}) {
  return (
    <button type="button" className="icon-button small" title={label} aria-label={label} onClick={onClick}>
      {children}
    </button>
  );
}
