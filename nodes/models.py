"""Nodes that describe models. They load no weights: those are loaded when a node first computes with them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import server.diffusion
from nodes import Advanced, FilePicker, Folders, Model, NodeInputError, Slider, TextEncoder, Vae, node
from nodes.blame import blaming
from server.diffusion import digests, lora, weights
from server.diffusion import folders as model_folders
from server.diffusion.errors import WeightsError
from server.diffusion.gather import ChoiceError
from server.diffusion.source import Source
from server.models import catalog, places
from server.models.errors import ModelError

STARTERS = Path(server.diffusion.__file__).parent / "starter"
"""The folder of the models that ship with the application."""

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
WeightFile = Annotated[Path | None, FilePicker("models"), Advanced()]


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
    category="models",
    version=2,
    instant=True,
    aliases=("checkpoint", "diffusers", "UNET", "GGUF", "wan", "ltx", "cogvideox", "hunyuan", "flux", "svd", "sdxl"),
)
def load_model(
    *,
    model: Annotated[Path, FilePicker("models")],
    text_encoder: WeightFile = None,
    vae: WeightFile = None,
    low_noise_model: WeightFile = None,
    text_encoder_2: WeightFile = None,
    image_encoder: WeightFile = None,
    motion_module: WeightFile = None,
    dtype: Annotated[Dtype, Advanced()] = "auto",
    folders: Folders,
) -> Parts:
    """Describe a model of any family that the application knows: a folder of diffusers, or single files.

    What a file is, is read from its header: the makers' own layouts, ComfyUI's, fp16, bf16, fp8 and GGUF. The files
    that belong to a model are found in the models folder where one alone fits; name them where several do. Nothing is
    fetched.

    Args:
        model: A folder, a whole checkpoint, or the file of the denoiser alone; of Wan 2.2 A14B the high-noise one.
        text_encoder: The file of the text encoder, where it is not in the model's.
        vae: The file of the autoencoder, where it is not in the model's.
        low_noise_model: The second expert of Wan 2.2 A14B.
        text_encoder_2: The second text encoder, CLIP, of HunyuanVideo, FLUX and Stable Diffusion XL.
        image_encoder: CLIP's of Wan 2.1's image-to-video models, LLaVA's of HunyuanVideo's.
        motion_module: AnimateDiff's, for a model of Stable Diffusion 1.5.
        dtype: Precision of the weights; `auto` suits the device, and keeps compressed weights compressed.

    Returns:
        The parts of the model.
    """
    chosen = {
        "model": model,
        "text_encoder": text_encoder,
        "vae": vae,
        "low_noise_model": low_noise_model,
        "text_encoder_2": text_encoder_2,
        "image_encoder": image_encoder,
        "motion_module": motion_module,
    }
    source = _open(chosen, folders)
    with blaming("model"):
        return Parts(*weights.describe_source(source, dtype=dtype))


@load_model.migration(from_version=1)
def _choose_a_folder_as_model(inputs: dict[str, object]) -> dict[str, object]:
    return {"model" if name == "folder" else name: value for name, value in inputs.items()}


@load_model.fingerprint
def _model_files(
    model: Path,
    text_encoder: Path | None,
    vae: Path | None,
    low_noise_model: Path | None,
    text_encoder_2: Path | None,
    image_encoder: Path | None,
    motion_module: Path | None,
    folders: Folders,
) -> str:
    chosen = {
        "model": model,
        "text_encoder": text_encoder,
        "vae": vae,
        "low_noise_model": low_noise_model,
        "text_encoder_2": text_encoder_2,
        "image_encoder": image_encoder,
        "motion_module": motion_module,
    }
    return weights.fingerprint(_open(chosen, folders))


@node(category="models", title="Apply LoRA", instant=True, aliases=("lora", "style", "lightning", "load lora"))
def apply_lora(
    model: Model,
    *,
    file: Annotated[Path, FilePicker("models", (".safetensors",))],
    strength: Annotated[float, Slider(-2.0, 2.0, step=0.05)] = 1.0,
    expert: Annotated[Literal["all", "high noise", "low noise"], Advanced()] = "all",
    folders: Folders,
) -> Model:
    """Change a model by a LoRA. Several in a row add up; another strength reads nothing again.

    Args:
        model: The model, with the LoRAs that it has already.
        file: The LoRA, in the layout of kohya, diffusers or PEFT; made for this family and size.
        strength: Of its effect: 0 is none, 1 is what it was made for, below 0 is the opposite.
        expert: Of Wan 2.2 A14B, whose LoRAs come in pairs, the expert that this one is for.

    Returns:
        The changed model. The one that came in stays as it is.
    """
    experts = {"all": "", "high noise": model.capabilities.experts[0], "low noise": model.capabilities.experts[-1]}
    if expert != "all" and len(model.capabilities.experts) == 1:
        raise NodeInputError("expert", f"{model.name} has one expert", "choose 'all'")
    with _blaming_choice("file"):
        return lora.add(model, places.resolve(folders.models, file.as_posix()), strength, expert=experts[expert])


@apply_lora.fingerprint
def _lora_content(file: Path, folders: Folders) -> str:
    return _file_digest(file, folders)


@node(category="models", title="Apply LoRA to text encoder", instant=True, aliases=("lora", "CLIP", "load lora"))
def apply_lora_to_text(
    encoder: TextEncoder,
    *,
    file: Annotated[Path, FilePicker("models", (".safetensors",))],
    strength: Annotated[float, Slider(-2.0, 2.0, step=0.05)] = 1.0,
    folders: Folders,
) -> TextEncoder:
    """Change a text encoder by the part of a LoRA that is for it, as those of Stable Diffusion often have.

    Args:
        encoder: The text encoder.
        file: The LoRA; the same file as for the model.
        strength: Of its effect: 0 is none, 1 is what it was made for.

    Returns:
        The changed text encoder.
    """
    with _blaming_choice("file"):
        return lora.add(encoder, places.resolve(folders.models, file.as_posix()), strength)


@apply_lora_to_text.fingerprint
def _text_lora_content(file: Path, folders: Folders) -> str:
    return _file_digest(file, folders)


def _file_digest(file: Path, folders: Folders) -> str:
    with _blaming_choice("file"):
        return digests.digest((places.resolve(folders.models, file.as_posix()),))


def _open(chosen: Mapping[str, Path | None], folders: Folders) -> Source:
    paths: dict[str, Path] = {}
    for choice, name in chosen.items():
        if name is not None:
            with _blaming_choice(choice):
                paths[choice] = places.resolve(folders.models, name.as_posix())
    with _blaming_choice("model"):
        candidates = partial(catalog.companions, folders.models, paths["model"])
        return weights.open_source(paths, roots=places.roots(folders.models), candidates=candidates)


@contextmanager
def _blaming_choice(choice: str) -> Generator[None]:
    try:
        yield
    except ChoiceError as error:
        raise NodeInputError(error.choice, error.message, error.hint) from error
    except (ModelError, WeightsError) as error:
        raise NodeInputError(choice, error.message, error.hint) from error
