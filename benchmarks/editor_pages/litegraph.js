/** litegraph as its documentation shows it: one canvas that draws nodes, links and widgets. */
import { LGraph, LGraphCanvas, LGraphNode, LiteGraph } from "@comfyorg/litegraph";

class Bench extends LGraphNode {
  constructor(title) {
    super(title);
    for (const name of ["first", "second", "third"]) this.addInput(name, "CLIP");
    for (const name of ["out0", "out1"]) this.addOutput(name, "CLIP");
    this.addWidget("number", "number", 1, () => undefined, { min: 0, max: 100 });
    this.addWidget("combo", "choice", "fast", () => undefined, { values: ["fast", "good", "best"] });
    this.addWidget("text", "text", "", () => undefined, { multiline: true });
    this.addWidget("toggle", "enabled", true, () => undefined);
    this.size = [240, 260];
  }
}
LiteGraph.registerNodeType("bench/knobs", Bench);

const element = document.createElement("canvas");
element.width = window.innerWidth;
element.height = window.innerHeight;
document.getElementById("root").append(element);
const graph = new LGraph();
const canvas = new LGraphCanvas(element, graph);

window.load = ({ nodes, links }) => {
  const made = new Map();
  for (const { id, at, number, text } of nodes) {
    const node = LiteGraph.createNode("bench/knobs", id);
    node.pos = [at[0], at[1]];
    node.widgets[0].value = number;
    node.widgets[2].value = text;
    graph.add(node, true);
    made.set(id, node);
  }
  const inputs = { first: 0, second: 1, third: 2 };
  for (const [from, to, input] of links) made.get(from).connect(0, made.get(to), inputs[input]);
  graph.setDirtyCanvas(true, true);
};
const bounds = () => {
  const places = graph._nodes.map((node) => node.pos);
  return [Math.max(...places.map(([x]) => x)) + 240, Math.max(...places.map(([, y]) => y)) + 260];
};
const view = (scale, x, y) => {
  canvas.ds.scale = scale;
  canvas.ds.offset[0] = x;
  canvas.ds.offset[1] = y;
  canvas.setDirty(true, true);
};
window.fit = () => {
  const [width, height] = bounds();
  const scale = Math.min((element.width - 128) / width, (element.height - 128) / height);
  view(scale, 64 / scale, 64 / scale);
};
window.one = () => {
  const [width, height] = bounds();
  view(1, element.width / 2 - width / 2, element.height / 2 - height / 2);
};
const toScreen = ([x, y]) => [
  (x + canvas.ds.offset[0]) * canvas.ds.scale,
  (y + canvas.ds.offset[1]) * canvas.ds.scale,
];
window.empty = () => {
  for (let x = 500; x < 1300; x += 20)
    for (let y = 250; y < 700; y += 20) {
      const at = [x / canvas.ds.scale - canvas.ds.offset[0], y / canvas.ds.scale - canvas.ds.offset[1]];
      if (!graph.getNodeOnPos(...at) && !graph.getNodeOnPos(at[0], at[1] + 40)) return [x, y];
    }
  return [10, 450];
};
window.handle = () => {
  for (const node of graph._nodes) {
    const [x, y] = toScreen(node.pos);
    if (x > 300 && x < 1200 && y > 150 && y < 700) return [x + 60, y - 12];
  }
  return null;
};
