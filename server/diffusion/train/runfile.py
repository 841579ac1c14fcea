"""What stays the same during a run and must be known to use its checkpoints: sizes and the patch code."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file

from server.diffusion.scenes.captions import caption_words

from .codec import PatchCode
from .model import ModelSize

_SETTINGS = "run.json"
_CODE = "code.safetensors"


@dataclass(frozen=True, slots=True)
class Run:
    """The fixed part of a run.

    Attributes:
        size: Widths and depths of the networks.
        code: The patch code whose latents the transformer learned.
        resolution: Height and width of the clips in pixels.
        frames: Length of a clip.
        words: Words of the captions, in the order of their tokens.
    """

    size: ModelSize
    code: PatchCode
    resolution: int
    frames: int
    words: tuple[str, ...]


def save_run(folder: Path, run: Run) -> None:
    """Writes the fixed part of a run into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    code = {"center": run.code.center, "directions": run.code.directions, "spread": run.code.spread}
    save_file(code, folder / _CODE)
    settings = {
        "size": asdict(run.size),
        "resolution": run.resolution,
        "frames": run.frames,
        "words": list(run.words),
    }
    (folder / _SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def load_run(folder: Path) -> Run | None:
    """Reads the fixed part of a run; None where the folder holds no run.

    Raises:
        ValueError: The captions use other words today, so that the run's tokens mean others.
    """
    if not (folder / _SETTINGS).exists():
        return None
    settings = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
    words = tuple(settings["words"])
    if words != tuple(caption_words()):
        raise ValueError(
            f"{folder} was trained on other words than captions use now; start a new run from its exported model"
            " with --start-from"
        )
    code = PatchCode(**load_file(folder / _CODE))
    return Run(ModelSize(**settings["size"]), code, settings["resolution"], settings["frames"], words)
