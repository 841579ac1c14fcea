import { useEffect, useRef } from "react";
import { useSession } from "../editor/context";
import { localRuns } from "../run/local";
import { useCanvas } from "./context";
import { type Palette, paint, readPalette } from "./draw";
import { problemsByNode } from "./problems";

const NOTHING: readonly never[] = [];

/** The layer below the nodes. It paints when a store says so, at most once a frame, and never through React. */
export function SceneCanvas({ version }: { readonly version: unknown }) {
  const { editor, run, look } = useSession();
  const parts = useCanvas();
  const element = useRef<HTMLCanvasElement>(null);
  const request = useRef<() => void>(() => undefined);

  useEffect(() => {
    const canvas = element.current;
    const context = canvas?.getContext("2d", { alpha: false });
    if (!canvas || !context) return;
    let palette: Palette | null = null;
    let frame = 0;
    const draw = () => {
      frame = 0;
      const ratio = window.devicePixelRatio || 1;
      const view = editor.view.getState();
      const [width, height] = view.size;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      palette ??= readPalette(getComputedStyle(canvas));
      const document = editor.document.getState();
      const runs = run.getState();
      const picture = {
        viewport: view.viewport,
        size: view.size,
        scene: parts.scene.current,
        far: parts.far.current,
        palette,
        colorOf: parts.colorOf,
        selection: document.selection,
        links: document.links,
        linksHidden: look.getState().links === "hidden",
        hovered: view.hovered,
        hidden: view.connecting?.moved ?? NOTHING,
        reroutes: document.reroutes,
        hoveredReroute: view.hoveredReroute,
        runs: localRuns(runs.nodes, document.trail),
        faulty: problemsByNode(runs.problems, document.history.document, document.scope),
      };
      paint(context, picture, ratio);
    };
    request.current = () => {
      if (frame === 0) frame = requestAnimationFrame(draw);
    };
    const themes = new MutationObserver(() => {
      palette = null;
      request.current();
    });
    themes.observe(window.document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const stops = [
      editor.view.subscribe(request.current),
      editor.document.subscribe(request.current),
      run.subscribe(request.current),
      look.subscribe(request.current),
    ];
    request.current();
    return () => {
      cancelAnimationFrame(frame);
      themes.disconnect();
      for (const stop of stops) stop();
    };
  }, [editor, run, look, parts]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version of the scene is the reason to paint
  useEffect(() => request.current(), [version]);

  return <canvas ref={element} className="scene" />;
}
