import { type KeyboardEvent, memo, type PointerEvent } from "react";
import { useEditor, useView } from "../editor/context";
import { t } from "../i18n";
import { beginAt, couldTake, dragTo, dropLink, type PortEnd, portAt } from "./connecting";
import { useCanvas } from "./context";

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
  const editor = useEditor();
  const canvas = useCanvas();
  const from = useView((view) => view.connecting?.from);
  const dragged = useView((view) => view.connecting?.type ?? "any");
  const port: PortEnd = side === "input" ? { side, end: { node, input: name } } : { side, end: { node, output: name } };
  const isFrom =
    from?.side === side && from.end.node === node && ("output" in from.end ? from.end.output : from.end.input) === name;
  const dim = from !== undefined && !isFrom && !couldTake(editor, { from, type: dragged }, port, type);

  function onPointerDown(event: PointerEvent<HTMLButtonElement>) {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.preventDefault();
    followPointer(event.pointerId);
    const begun = beginAt(editor, port, canvas.toGraph(event.clientX, event.clientY));
    editor.view.setState({ connecting: begun, hovered: null });
  }

  function followPointer(pointerId: number) {
    const stop = new AbortController();
    const options = { signal: stop.signal };
    const move = (event: globalThis.PointerEvent) => {
      const { connecting, viewport } = editor.view.getState();
      if (!connecting || event.pointerId !== pointerId) return;
      const at = canvas.toGraph(event.clientX, event.clientY);
      editor.view.setState({
        connecting: dragTo(
          editor,
          canvas.scene.current,
          connecting,
          at,
          portAt(event.clientX, event.clientY),
          viewport.zoom,
        ),
      });
    };
    const up = (event: globalThis.PointerEvent) => {
      if (event.pointerId !== pointerId) return;
      stop.abort();
      const { connecting } = editor.view.getState();
      if (!connecting) return;
      const start = canvas.scene.current.boxes.get(node);
      const isClick = start && portAt(event.clientX, event.clientY)?.end.node === node && connecting.target === null;
      const rest = isClick ? "done" : dropLink(editor, connecting);
      const search =
        rest === "search"
          ? { at: connecting.at, screen: [event.clientX, event.clientY] as const, link: connecting }
          : null;
      editor.view.setState({ connecting: null, search });
    };
    const cancel = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      stop.abort();
      editor.view.setState({ connecting: null });
    };
    window.addEventListener("pointermove", move, options);
    window.addEventListener("pointerup", up, options);
    window.addEventListener("pointercancel", up, options);
    window.addEventListener("keydown", cancel, { ...options, capture: true });
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    const { connecting, viewport } = editor.view.getState();
    if (!connecting) return editor.view.setState({ connecting: beginAt(editor, port, [0, 0]) });
    const finished = dragTo(editor, canvas.scene.current, connecting, connecting.at, port, viewport.zoom);
    if (finished.target) dropLink(editor, finished);
    editor.view.setState({ connecting: null });
  }

  const label = t(side === "input" ? "node.input" : "node.output", { name, type });
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
      style={{ "--port": canvas.colorOf(type) } as React.CSSProperties}
      aria-label={label}
      title={`${name} · ${type}${help ? `\n${help}` : ""}`}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
});
