/** React Flow as its documentation shows it: all nodes given, drawn as components, links as its own edges, with its grid. */
import { Background, Handle, Position, ReactFlow, useReactFlow, useNodesState, ReactFlowProvider } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

function Bench({ data }) {
  return (
    <div style={{ width: 240, background: "#23262e", border: "1px solid #3a3f4b", borderRadius: 10 }}>
      <div className="title" style={{ padding: 8, background: "#2b2f39" }}>
        {data.title}
      </div>
      {["first", "second", "third"].map((name, index) => (
        <div key={name} style={{ height: 24, padding: "0 10px" }}>
          <Handle type="target" position={Position.Left} id={name} style={{ top: 48 + 24 * index }} />
          {name}
          {index < 2 && (
            <Handle type="source" position={Position.Right} id={`out${index}`} style={{ top: 48 + 24 * index }} />
          )}
        </div>
      ))}
      <div className="nodrag" style={{ display: "grid", gap: 4, padding: 8 }}>
        <input type="number" defaultValue={data.number} />
        <select defaultValue="fast">
          <option>fast</option>
          <option>good</option>
          <option>best</option>
        </select>
        <textarea defaultValue={data.text} rows={3} />
        <label>
          <input type="checkbox" defaultChecked /> enabled
        </label>
      </div>
    </div>
  );
}

const nodeTypes = { bench: Bench };

function View() {
  const flow = useReactFlow();
  const [nodes, setNodes, onNodesChange] = useNodesState([]);
  const [edges, setEdges] = useState([]);
  useEffect(() => {
    window.load = (graph) => {
      setEdges(
        graph.links.map(([from, to, input], index) => ({
          id: `e${index}`,
          source: from,
          sourceHandle: "out0",
          target: to,
          targetHandle: input,
        })),
      );
      setNodes(
        graph.nodes.map(({ id, at, number, text }) => ({
          id,
          type: "bench",
          position: { x: at[0], y: at[1] },
          data: { title: id, number, text },
        })),
      );
    };
    window.fit = () => flow.fitView({ padding: 0.08, minZoom: 0.02 });
    window.one = () => flow.zoomTo(1);
    window.empty = () => {
      for (let x = 500; x < 1300; x += 20)
        for (let y = 250; y < 700; y += 20)
          if (document.elementFromPoint(x, y)?.classList.contains("react-flow__pane")) return [x, y];
      return [10, 450];
    };
    window.handle = () => {
      for (const title of document.querySelectorAll(".title")) {
        const box = title.getBoundingClientRect();
        if (box.x > 300 && box.x < 1200 && box.y > 150 && box.y < 700) return [box.x + 60, box.y + 10];
      }
      return null;
    };
  }, [flow, setNodes]);
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      onNodesChange={onNodesChange}
      nodeTypes={nodeTypes}
      minZoom={0.02}
      colorMode="dark"
    >
      <Background />
    </ReactFlow>
  );
}

createRoot(document.getElementById("root")).render(
  <ReactFlowProvider>
    <View />
  </ReactFlowProvider>,
);
