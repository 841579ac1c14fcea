"""How a graph runs: keys, plan, cache, execution, and the events of a run. It knows no tensors."""
