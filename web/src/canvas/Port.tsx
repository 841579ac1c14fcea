import { type KeyboardEvent, memo, type PointerEvent } from "react";
import { useDocument, useSession, useView } from "../editor/context";
import { exposedName } from "../graph/exposed";
import { disconnect } from "../graph/removing";
import { t } from "../i18n";
import { beginAt, beginMovingAll, couldTake, dragTo, dropLink, linkedEnds, type PortEnd } from "./connecting";
import { useCanvas } from "./context";
import { followLink } from "./followLink";

type PortProps = {
  readonly side: "input" | "output";
  readonly node: string;
  readonly name: string;
  readonly type: string;
  readonly linked: boolean;
  readonly help: string;
  readonly fault?: boolean;
};

/** The end of links on a node: drag from it, or press Enter on it and then on another. */
export const Port = memo(function Port({ side, node, name, type, linked, help, fault = false }: PortProps) {
  const { editor, services } = useSession();
  const canvas = useCanvas();
  const from = useView((view) => view.connecting?.from);
  const exposed = useDocument(({ history, scope }) =>
    exposedName(history.document, scope, side === "input" ? "inputs" : "outputs", node, name),
  );
  const port: PortEnd = side === "input" ? { side, end: { node, input: name } } : { side, end: { node, output: name } };
  const isFrom =
    from?.side === side && from.end.node === node && ("output" in from.end ? from.end.output : from.end.input) === name;
  // What else there is to a drag stays the same while it lasts.
  const { connecting: drag } = editor.view.getState();
  const dim = from !== undefined && drag !== null && !isFrom && !couldTake(editor, drag, port, type);

  function onPointerDown(event: PointerEvent<HTMLButtonElement>) {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.preventDefault();
    if (event.altKey) return editor.edit((workflow, path) => disconnect(workflow, path, linkedEnds(editor, port)));
    const at = canvas.toGraph(event.clientX, event.clientY);
    const all = event.shiftKey && port.side === "output" ? beginMovingAll(editor, port.end, at) : null;
    followLink(editor, canvas, event.pointerId, all ?? beginAt(editor, port, at));
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    const { connecting, viewport } = editor.view.getState();
    if (!connecting) return editor.view.setState({ connecting: beginAt(editor, port, [0, 0]) });
    const finished = dragTo(editor, canvas.scene.current, connecting, connecting.at, port, viewport.zoom);
    const { refusal } = finished;
    if (finished.target) dropLink(editor, finished);
    if (refusal) services.tell(t(`connect.${refusal.code}`, { from: refusal.from, to: refusal.to }), "error");
    editor.view.setState({ connecting: null });
  }

  const label = t(side === "output" ? "node.output" : linked ? "node.input_linked" : "node.input", { name, type });
  return (
    <button
      type="button"
      className="port nodrag nopan"
      data-port={side}
      data-node={node}
      data-name={name}
      data-linked={linked}
      data-dim={dim}
      data-fault={fault}
      data-exposed={exposed !== undefined}
      style={{ "--port": canvas.colorOf(type) } as React.CSSProperties}
      aria-label={label}
      title={[`${name} · ${type}`, help, exposed && t("subgraph.exposed", { name: exposed })]
        .filter(Boolean)
        .join("\n")}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
});
