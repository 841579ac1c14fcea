"""Nodes that describe models. They load no weights: those are loaded when a node first computes with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import server.diffusion
from nodes import Advanced, FilePicker, Folders, Model, NodeInputError, TextEncoder, Vae, node
from nodes.blame import blaming
from server.diffusion import folders as model_folders
from server.diffusion import weights

STARTERS = Path(server.diffusion.__file__).parent / "starter"
"""The folder of the models that ship with the application."""

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


class Parts(NamedTuple):
    """The parts of a model that other nodes take.

    Attributes:
        model: The denoiser.
        text_encoder: What turns prompts into conditioning for this model.
        vae: What turns this model's latents into pixels and back.
    """

    model: Model
    text_encoder: TextEncoder
    vae: Vae


@node(category="models", instant=True, aliases=("checkpoint", "model", "small"))
def load_starter(
    *,
    name: Literal["text_to_video"] = "text_to_video",
    dtype: Annotated[Dtype, Advanced()] = "auto",
) -> Parts:
    """Describe one of the small models that ship with the application and run without a GPU or a download.

    Args:
        name: Which of them.
        dtype: Precision of its weights; `auto` suits the device.

    Returns:
        The parts of the model.
    """
    with blaming("name"):
        return Parts(*weights.describe(STARTERS / name, dtype=dtype))


@load_starter.fingerprint
def _starter_files(name: str) -> str:
    with blaming("name"):
        return weights.fingerprint(model_folders.read(STARTERS / name))


@node(
    category="models", instant=True, aliases=("checkpoint", "diffusers", "wan", "ltx", "cogvideox", "hunyuan", "flux")
)
def load_model(
    *,
    folder: Annotated[Path, FilePicker("models")],
    dtype: Annotated[Dtype, Advanced()] = "auto",
    folders: Folders,
) -> Parts:
    """Describe a model in diffusers' folder format, of any family that the application knows. Nothing is fetched.

    Args:
        folder: Its folder, inside the models folder.
        dtype: Precision of its weights; `auto` suits the device.

    Returns:
        The parts of the model.
    """
    with blaming("folder"):
        return Parts(*weights.describe(_inside(folders, folder), dtype=dtype))


@load_model.fingerprint
def _model_files(folder: Path, folders: Folders) -> str:
    with blaming("folder"):
        return weights.fingerprint(model_folders.read(_inside(folders, folder)))


def _inside(folders: Folders, folder: Path) -> Path:
    try:
        return folders.resolve("models", folder.as_posix())
    except ValueError as error:
        raise NodeInputError("folder", str(error), "name a folder inside the models folder") from error
