"""What a node is: its declaration, its sockets and widgets, and the catalogue of all of them."""

from server.kit.annotations import Output
from server.kit.context import Context, Folders
from server.kit.declare import Node, node
from server.kit.problems import Canceled, InputProblem, NodeInputError, Problem, WorkflowError, pointer
from server.kit.readers import DocumentReader, UnreadableFileError
from server.kit.values import Artifact, Lazy, Ready, SocketType
from server.kit.viewers import FileFacts, FileViewer
from server.kit.widgets import (
    Advanced,
    Choice,
    Color,
    FilePicker,
    Number,
    PackWidget,
    Seed,
    ShownIf,
    Slider,
    Text,
    Toggle,
    Trim,
    When,
    Widget,
)

__all__ = [
    "Advanced",
    "Artifact",
    "Canceled",
    "Choice",
    "Color",
    "Context",
    "DocumentReader",
    "FileFacts",
    "FilePicker",
    "FileViewer",
    "Folders",
    "InputProblem",
    "Lazy",
    "Node",
    "NodeInputError",
    "Number",
    "Output",
    "PackWidget",
    "Problem",
    "Ready",
    "Seed",
    "ShownIf",
    "Slider",
    "SocketType",
    "Text",
    "Toggle",
    "Trim",
    "UnreadableFileError",
    "When",
    "Widget",
    "WorkflowError",
    "node",
    "pointer",
]
