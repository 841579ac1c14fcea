import { type Node, type NodeTypes, ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { type ReactNode, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useDocument, useEditor, useLook, useRun, useView } from "../editor/context";
import { shapeOfLinks } from "../editor/look";
import { scopeAt } from "../graph/document";
import { t } from "../i18n";
import { type CanvasParts, CanvasProvider } from "./context";
import type { Rect } from "./curves";
import { facesKey } from "./faces";
import { FlowNodes } from "./flowNodes";
import { GroupFrame } from "./GroupFrame";
import { GuideOverlay } from "./GuideOverlay";
import { boundsWith } from "./grouping";
import { CanvasStop } from "./keyboard/CanvasStop";
import { cardsOf } from "./keyboard/cards";
import { useCardFocus } from "./keyboard/useCardFocus";
import { useCardKeys } from "./keyboard/useCardKeys";
import { LinkOverlay } from "./LinkOverlay";
import { NoteCard } from "./NoteCard";
import { NodeCard } from "./node/NodeCard";
import { SceneCanvas } from "./SceneCanvas";
import { StrokeOverlay } from "./StrokeOverlay";
import { type Scene, sceneOf } from "./scene";
import { type Face, PLAIN_FACE } from "./shape";
import { Breadcrumbs } from "./subgraph/Breadcrumbs";
import { SocketPanel } from "./subgraph/SocketPanel";
import { useGestures } from "./useGestures";
import { useMenu } from "./useMenu";
import { useMoving } from "./useMoving";
import { usePanePointer } from "./usePanePointer";
import { cutFor, fitting, freeSize, MAX_ZOOM, MIN_ZOOM, mountedBoxes, toGraph } from "./window";

const NODE_TYPES: NodeTypes = { node: NodeCard, group_frame: GroupFrame, note: NoteCard };
const NO_EDGES: never[] = [];
const GRID: [number, number] = [12, 12];
const MULTI_KEYS = ["Shift", "Control", "Meta"];
/** The mouse's buttons that move the view: the first, or only the middle one. */
const DRAGS_PAN = [0, 1];
const MIDDLE_PANS = [1];
const NO_LIST: never[] = [];

/** The canvas: everything that is drawn of the graph, and what the pointer does there. */
export function GraphView({ children }: { readonly children?: ReactNode }) {
  return (
    <ReactFlowProvider>
      <View>{children}</View>
    </ReactFlowProvider>
  );
}

/** The scene, computed anew when the document, a drag or the faces of nodes change, and not on progress. */
function useScene(): Scene {
  const scope = useDocument((state) => scopeAt(state.history.document, state.scope));
  const definitions = useDocument((state) => state.definitions);
  const drag = useView((view) => view.drag);
  const shape = useLook((look) => shapeOfLinks(look.links));
  const trail = useDocument((state) => state.trail);
  const key = useRun((state) => facesKey(state, trail));
  const faces = useMemo(() => readFaces(key), [key]);
  return useMemo(
    () => sceneOf(scope, definitions, (id) => faces.get(id) ?? PLAIN_FACE, drag, shape),
    [scope, definitions, faces, drag, shape],
  );
}

function readFaces(key: string): Map<string, Face> {
  const lines = key === "" ? [] : key.split("\n");
  return new Map(
    lines.map((line) => {
      const [id = "", media = "none", fault] = line.split("\t");
      return [id, { media: media as Face["media"], fault: fault === "true" }];
    }),
  );
}

function View({ children }: { readonly children?: ReactNode }) {
  const editor = useEditor();
  const snap = useLook((look) => look.snap);
  const scene = useScene();
  const sceneRef = useRef(scene);
  sceneRef.current = scene;
  const far = useRef(false);
  const root = useRef<HTMLDivElement>(null);
  const sockets = useDocument((state) => state.catalogue.sockets);
  const parts = useMemo<CanvasParts>(
    () => ({
      scene: sceneRef,
      far,
      root,
      toGraph: (clientX, clientY) => {
        const box = root.current?.getBoundingClientRect();
        return toGraph(editor.view.getState().viewport, [clientX - (box?.left ?? 0), clientY - (box?.top ?? 0)]);
      },
      colorOf: (type) => sockets[type]?.color ?? KNOB_COLORS[type] ?? "#9aa3b2",
    }),
    [editor, sockets],
  );
  const nodes = useFlowNodes(scene, far);
  const moving = useMoving(sceneRef);
  const gestures = useGestures(parts);
  const pointer = usePanePointer(parts);
  const onContextMenu = useMenu(parts);
  const onKeyDown = useCardKeys();
  const onFocusCapture = useCardFocus(far.current);
  const connecting = useView((view) => view.connecting !== null);
  const hand = useView((view) => view.hand);
  const pans = useLook((look) => look.drag === "pan") || hand;
  const scrolls = useLook((look) => look.wheel === "pan");
  const hasCards = useDocument((state) => cardsOf(scopeAt(state.history.document, state.scope)).length > 0);
  useSize(root);
  return (
    <CanvasProvider value={parts}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: what the pointer does here, keys and the palette do as well */}
      <div
        ref={root}
        className="graph"
        data-connecting={connecting}
        data-hand={hand}
        data-drag={pans ? "pan" : "select"}
        {...gestures}
        onKeyDown={onKeyDown}
        onFocusCapture={onFocusCapture}
        onContextMenu={onContextMenu}
        onPointerMove={pointer.onPointerMove}
        onDoubleClick={pointer.onDoubleClick}
      >
        <SceneCanvas version={scene} />
        {hasCards && <CanvasStop side="before" />}
        <ReactFlow
          aria-label={t("say.graph")}
          aria-description={t("say.graph_keys")}
          nodes={nodes}
          edges={NO_EDGES}
          nodeTypes={NODE_TYPES}
          minZoom={MIN_ZOOM}
          maxZoom={MAX_ZOOM}
          defaultViewport={editor.view.getState().viewport}
          snapToGrid={snap}
          snapGrid={GRID}
          nodesConnectable={false}
          nodesFocusable={false}
          disableKeyboardA11y
          nodesDraggable={!hand}
          elementsSelectable={!hand}
          panOnDrag={pans ? DRAGS_PAN : MIDDLE_PANS}
          panOnScroll={scrolls}
          zoomOnScroll={!scrolls}
          zoomOnDoubleClick={false}
          deleteKeyCode={null}
          multiSelectionKeyCode={MULTI_KEYS}
          selectionKeyCode={null}
          panActivationKeyCode={null}
          elevateNodesOnSelect={false}
          proOptions={PRO}
          onMove={moving.onViewport}
          onNodesChange={moving.onChange}
          onNodeDragStart={moving.onStart}
          onPaneClick={pointer.onPaneClick}
          onNodeDoubleClick={pointer.onNodeDoubleClick}
        >
          <ViewGoal scene={scene} />
        </ReactFlow>
        {hasCards && <CanvasStop side="after" />}
        <LinkOverlay />
        <StrokeOverlay />
        <GuideOverlay />
        <Breadcrumbs />
        <SocketPanel />
        {children}
      </div>
    </CanvasProvider>
  );
}

/** React Flow's mark is left out of the corner and stands in the notices, as its licence allows. */
const PRO = { hideAttribution: true };
const KNOB_COLORS: Record<string, string> = {
  int: "#7ea6c9",
  float: "#8fb6a8",
  bool: "#b9a37c",
  str: "#a9b0bd",
  path: "#a58fb0",
};

function useFlowNodes(scene: Scene, far: RefObject<boolean>): Node[] {
  const [keeper] = useState(() => new FlowNodes());
  const cut = useCut();
  const kept = useKeptNodes();
  const selection = useDocument((state) => state.selection);
  const groups = useDocument((state) => scopeAt(state.history.document, state.scope).groups) ?? NO_LIST;
  const notes = useDocument((state) => scopeAt(state.history.document, state.scope).notes) ?? NO_LIST;
  const drag = useView((view) => view.drag);
  const boxes = useMemo(() => mountedBoxes(scene, cut, kept), [scene, cut, kept]);
  far.current = boxes === null;
  return useMemo(
    () => keeper.update(boxes ?? NO_LIST, groups, boxes === null ? NO_LIST : notes, selection, drag),
    [keeper, boxes, groups, notes, selection, drag],
  );
}

const NOBODY: ReadonlySet<string> = new Set();

/** The part of the graph that is mounted. */
function useCut(): Rect | null {
  const last = useRef<Rect | null>(null);
  return useView((view) => {
    last.current = cutFor(view.viewport, view.size, last.current);
    return last.current;
  });
}

/** Nodes that stay mounted out of view: what is typed in one must not be lost by scrolling, nor a place in a video. */
function useKeptNodes(): ReadonlySet<string> {
  const last = useRef(NOBODY);
  // Read again whenever the view moves, which is when it matters.
  useView((view) => view.viewport);
  const elements = [document.activeElement, ...document.querySelectorAll(".graph [data-playing=true]")];
  const ids = elements.flatMap((element) => element?.closest<HTMLElement>("[data-node]")?.dataset["node"] ?? []);
  const same = ids.length === last.current.size && ids.every((id) => last.current.has(id));
  if (!same) last.current = new Set(ids);
  return last.current;
}

/** Keeps the view's size in the store. */
function useSize(root: RefObject<HTMLDivElement | null>): void {
  const editor = useEditor();
  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) editor.view.setState({ size: [entry.contentRect.width, entry.contentRect.height] });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [editor, root]);
}

/** Moves the view where a command wants it. */
function ViewGoal({ scene }: { readonly scene: Scene }) {
  const editor = useEditor();
  const flow = useReactFlow();
  const fit = useView((view) => view.fit);
  useEffect(() => {
    if (!fit) return;
    const bounds = boundsWith(scene, editor.scope, null);
    editor.view.setState(({ size }) => ({
      fit: false,
      ...(bounds ? { goal: fitting(bounds, freeSize(size, editor.trail.length > 0)) } : {}),
    }));
  }, [fit, scene, editor]);
  const still = useLook((look) => look.still);
  const goal = useView((view) => view.goal);
  useEffect(() => {
    if (!goal) return;
    void flow.setViewport(goal, goal.jump || still ? {} : { duration: 180 });
    editor.view.setState({ goal: null });
  }, [goal, flow, editor, still]);
  return null;
}
