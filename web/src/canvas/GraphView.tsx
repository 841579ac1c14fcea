import { type Node, type NodeChange, type NodeTypes, type OnNodeDrag, ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { type MouseEvent, type ReactNode, useCallback, useEffect, useMemo, useRef } from "react";
import { useDocument, useEditor, useRun, useView } from "../editor/context";
import { type Point, scopeAt } from "../graph/document";
import { disconnect, moveNodes } from "../graph/edits";
import { type CanvasParts, CanvasProvider } from "./context";
import { facesKey } from "./faces";
import { FlowNodes } from "./flowNodes";
import { GroupFrame } from "./GroupFrame";
import { LinkOverlay } from "./LinkOverlay";
import { linkUnder, shifted, startPlaces, writePlaces } from "./moving";
import { NodeCard } from "./NodeCard";
import { NoteCard } from "./NoteCard";
import { SceneCanvas } from "./SceneCanvas";
import { boxAt, curveAt, type Rect, type Scene, sceneOf } from "./scene";
import { type Face, PLAIN_FACE } from "./shape";
import { useFarPointer } from "./useFarPointer";
import { cutFor, FAR_ZOOM, MAX_ZOOM, MIN_ZOOM, mountedBoxes, toGraph } from "./window";

const NODE_TYPES: NodeTypes = { node: NodeCard, group_frame: GroupFrame, note: NoteCard };
const NO_EDGES: never[] = [];
const GRID: [number, number] = [12, 12];
const MULTI_KEYS = ["Shift", "Control", "Meta"];
const BOX_KEYS = ["Shift", "Control", "Meta"];
/** Pixels beside a link at which it is still meant. */
const LINK_REACH = 8;
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
  const key = useRun(facesKey);
  const faces = useMemo(() => readFaces(key), [key]);
  return useMemo(() => sceneOf(scope, definitions, (id) => faces.get(id) ?? PLAIN_FACE, drag), [scope, definitions, faces, drag]);
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
  const scene = useScene();
  const sceneRef = useRef(scene);
  sceneRef.current = scene;
  const root = useRef<HTMLDivElement>(null);
  const sockets = useDocument((state) => state.catalogue.sockets);
  const parts = useMemo<CanvasParts>(
    () => ({
      scene: sceneRef,
      root,
      toGraph: (clientX, clientY) => {
        const box = root.current?.getBoundingClientRect();
        return toGraph(editor.view.getState().viewport, [clientX - (box?.left ?? 0), clientY - (box?.top ?? 0)]);
      },
      colorOf: (type) => sockets[type]?.color ?? KNOB_COLORS[type] ?? "#9aa3b2",
    }),
    [editor, sockets],
  );
  const nodes = useFlowNodes(scene);
  const moving = useMoving(sceneRef);
  const pointer = usePanePointer(parts);
  const far = useFarPointer(parts);
  const selecting = useView((view) => view.connecting !== null);
  useSize(root);
  return (
    <CanvasProvider value={parts}>
      <div ref={root} className="graph" data-connecting={selecting} {...far} onPointerMove={pointer.onMove} onDoubleClick={pointer.onDoubleClick}>
        <SceneCanvas version={scene} />
        <ReactFlow
          nodes={nodes}
          edges={NO_EDGES}
          nodeTypes={NODE_TYPES}
          minZoom={MIN_ZOOM}
          maxZoom={MAX_ZOOM}
          defaultViewport={editor.view.getState().viewport}
          snapToGrid
          snapGrid={GRID}
          nodesConnectable={false}
          zoomOnDoubleClick={false}
          deleteKeyCode={null}
          multiSelectionKeyCode={MULTI_KEYS}
          selectionKeyCode={BOX_KEYS}
          panActivationKeyCode={null}
          elevateNodesOnSelect={false}
          proOptions={PRO}
          onMove={moving.onViewport}
          onNodesChange={moving.onChange}
          onNodeDragStart={moving.onStart}
          onPaneClick={pointer.onPaneClick}
        >
          <ViewGoal />
        </ReactFlow>
        <LinkOverlay />
        {children}
      </div>
    </CanvasProvider>
  );
}

/** React Flow's mark is left out of the corner and stands in the notices, as its licence allows. */
const PRO = { hideAttribution: true };
const KNOB_COLORS: Record<string, string> = { int: "#7ea6c9", float: "#8fb6a8", bool: "#b9a37c", str: "#a9b0bd", path: "#a58fb0" };

function useFlowNodes(scene: Scene): Node[] {
  const keeper = useRef<FlowNodes>(null);
  keeper.current ??= new FlowNodes();
  const cut = useCut();
  const focused = useFocusedNode();
  const selection = useDocument((state) => state.selection);
  const groups = useDocument((state) => (state.scope.length === 0 ? state.history.document.groups : undefined)) ?? NO_LIST;
  const notes = useDocument((state) => (state.scope.length === 0 ? state.history.document.notes : undefined)) ?? NO_LIST;
  const drag = useView((view) => view.drag);
  const kept = cut === null ? NOBODY : focused;
  return useMemo(
    () => (keeper.current ?? new FlowNodes()).update(mountedBoxes(scene, cut, kept), groups, cut === null ? NO_LIST : notes, selection, drag),
    [scene, cut, kept, groups, notes, selection, drag],
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

/** The node that has the focus stays mounted, so that what is typed in it is not lost by scrolling. */
function useFocusedNode(): ReadonlySet<string> {
  const last = useRef(NOBODY);
  // Read again whenever the view moves, which is when it matters.
  useView((view) => view.viewport);
  const id = document.activeElement?.closest<HTMLElement>("[data-node]")?.dataset["node"];
  if (id === undefined) last.current = NOBODY;
  else if (!last.current.has(id)) last.current = new Set([id]);
  return last.current;
}

function useMoving(scene: React.RefObject<Scene>) {
  const editor = useEditor();
  const start = useRef<{ places: Map<string, Point>; id: string; at: Point } | null>(null);

  const onStart: OnNodeDrag = useCallback(
    (_event, node) => {
      const { selection } = editor.document.getState();
      const ids = selection.has(node.id) ? selection : [node.id];
      start.current = { places: startPlaces(editor, scene.current, ids), id: node.id, at: [node.position.x, node.position.y] };
    },
    [editor, scene],
  );

  const onChange = useCallback(
    (changes: NodeChange[]) => {
      const selected = changes.filter((change) => change.type === "select");
      if (selected.length > 0) {
        const selection = new Set(editor.document.getState().selection);
        for (const change of selected) change.selected ? selection.add(change.id) : selection.delete(change.id);
        editor.select(selection);
      }
      const moves = changes.filter((change) => change.type === "position");
      if (moves.length > 0) follow(moves);
    },
    // biome-ignore lint/correctness/useExhaustiveDependencies: `follow` reads refs only
    [editor],
  );

  function follow(moves: { id: string; position?: { x: number; y: number }; dragging?: boolean }[]) {
    const lead = moves.find((move) => move.id === start.current?.id) ?? moves[0];
    if (!lead) return;
    if (start.current && lead.position) {
      const from = start.current.places.get(lead.id) ?? start.current.at;
      const drag = shifted(start.current.places, lead.position.x - from[0], lead.position.y - from[1]);
      const [only] = drag.keys();
      const hovered = drag.size === 1 && only !== undefined ? (linkUnder(scene.current, only) ?? null) : null;
      editor.view.setState({ drag, hovered });
    }
    if (lead.dragging) return;
    const { drag } = editor.view.getState();
    if (drag) writePlaces(editor, scene.current, drag);
    else editor.edit((workflow, path) => ({ ...moveNodes(workflow, path, placesOf(moves)), merge: "arrows" }));
    start.current = null;
    editor.view.setState({ drag: null, hovered: null });
  }

  const onViewport = useCallback((_event: unknown, viewport: { x: number; y: number; zoom: number }) => editor.view.setState({ viewport }), [editor]);
  return { onStart, onChange, onViewport };
}

function placesOf(moves: { id: string; position?: { x: number; y: number } }[]): Map<string, Point> {
  const places = new Map<string, Point>();
  for (const { id, position } of moves) if (position) places.set(id, [position.x, position.y]);
  return places;
}

function usePanePointer(parts: CanvasParts) {
  const editor = useEditor();
  const isPane = (target: EventTarget) => (target as Element).classList.contains("react-flow__pane");

  function onMove(event: React.PointerEvent) {
    const at = parts.toGraph(event.clientX, event.clientY);
    const { viewport, hovered, connecting, drag } = editor.view.getState();
    const free = isPane(event.target) && !connecting && !drag && event.buttons === 0;
    const link = free ? (curveAt(parts.scene.current, at, LINK_REACH / viewport.zoom)?.end ?? null) : drag ? hovered : null;
    editor.view.setState({ pointer: at, hovered: link?.node === hovered?.node && link?.input === hovered?.input ? hovered : link });
  }

  const onPaneClick = useCallback(
    (event: MouseEvent) => {
      const { viewport } = editor.view.getState();
      const at = parts.toGraph(event.clientX, event.clientY);
      // From far away a click on a painted node lands on the pane; useFarPointer has taken it.
      if (viewport.zoom < FAR_ZOOM && boxAt(parts.scene.current, at)) return;
      const link = curveAt(parts.scene.current, at, LINK_REACH / viewport.zoom);
      if (link && event.altKey) editor.edit((workflow, path) => disconnect(workflow, path, [link.end]));
      else if (link) editor.selectLinks([link.end]);
      else editor.select([]);
    },
    [editor, parts],
  );

  function onDoubleClick(event: MouseEvent) {
    if (!isPane(event.target) || editor.view.getState().viewport.zoom < FAR_ZOOM) return;
    const screen: Point = [event.clientX, event.clientY];
    editor.view.setState({ search: { at: parts.toGraph(...screen), screen, link: null } });
  }

  return { onMove, onPaneClick, onDoubleClick };
}

/** Keeps the view's size in the store. */
function useSize(root: React.RefObject<HTMLDivElement | null>): void {
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
function ViewGoal() {
  const editor = useEditor();
  const flow = useReactFlow();
  const goal = useView((view) => view.goal);
  useEffect(() => {
    if (!goal) return;
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    void flow.setViewport(goal, still ? {} : { duration: 180 });
    editor.view.setState({ goal: null });
  }, [goal, flow, editor]);
  return null;
}
