"""The built-in nodes, and the authors' front door: what a node file needs is imported from here.

Nothing heavy is imported at the top of any file in this package: torch, av and numpy are imported inside the functions
that need them, so that a workflow can be checked and planned without them.
"""

from server.diffusion.types import Conditioning, Latent, Model, TextEncoder, Vae
from server.kit import (
    Advanced,
    Artifact,
    Canceled,
    Choice,
    Color,
    Context,
    FilePicker,
    Folders,
    InputProblem,
    Lazy,
    Node,
    NodeInputError,
    Number,
    Output,
    Ready,
    Seed,
    ShownIf,
    Slider,
    SocketType,
    Text,
    Toggle,
    Widget,
    node,
)
from server.media.types import Audio, Clip, Image, Mask

__all__ = [
    "Advanced",
    "Artifact",
    "Audio",
    "Canceled",
    "Choice",
    "Clip",
    "Color",
    "Conditioning",
    "Context",
    "FilePicker",
    "Folders",
    "Image",
    "InputProblem",
    "Latent",
    "Lazy",
    "Mask",
    "Model",
    "Node",
    "NodeInputError",
    "Number",
    "Output",
    "Ready",
    "Seed",
    "ShownIf",
    "Slider",
    "SocketType",
    "Text",
    "TextEncoder",
    "Toggle",
    "Vae",
    "Widget",
    "node",
]
