"""What a workflow is: the document, and its way to a validated graph. Pure data and pure functions."""

from server.graph.dump import dump, to_json
from server.graph.graph import Graph, GraphNode
from server.graph.json_text import DEFAULT_LIMITS, Limits
from server.graph.model import (
    FORMAT,
    ExposedInput,
    ExposedOutput,
    Link,
    NodeId,
    NodeInstance,
    Subgraph,
    Workflow,
)
from server.graph.parse import from_json, parse
from server.graph.validate import Validation, validate

__all__ = [
    "DEFAULT_LIMITS",
    "FORMAT",
    "ExposedInput",
    "ExposedOutput",
    "Graph",
    "GraphNode",
    "Limits",
    "Link",
    "NodeId",
    "NodeInstance",
    "Subgraph",
    "Validation",
    "Workflow",
    "dump",
    "from_json",
    "parse",
    "to_json",
    "validate",
]
