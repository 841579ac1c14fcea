/** Inside of subgraphs: where one is, and what is seen from outside. */
export const subgraph = {
  "subgraph.untitled": "Subgraph",
  "subgraph.path": "Where you are",
  "subgraph.rename": "Rename this subgraph",
  "subgraph.sockets": "Inputs and outputs",
  "subgraph.inputs": "Inputs",
  "subgraph.outputs": "Outputs",
  "subgraph.none": "Right-click a knob or a port to show it outside",
  "subgraph.up": "Move up",
  "subgraph.down": "Move down",
  "subgraph.hide": "Hide from outside",
  "subgraph.name": "Name outside",
  "subgraph.shared": "Shared by {count} nodes: a change here is a change in all",
  "subgraph.open": "Open the subgraph",
  "subgraph.exposed": "Shown outside as {name}",
} as const;
