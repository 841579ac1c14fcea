"""Model files on disk, without torch: JSON and safetensors headers.

What the files mean (families, components) is not known here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from server.diffusion import mistaken
from server.diffusion.errors import WeightsError

PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
_HEADER_LIMIT = 100_000_000  # the format's own limit; a larger number is garbage read as a length


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        WeightsError: The file is missing or is not a JSON object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(
            f"{path.parent.name}/{path.name} is missing in the model folder.", "Copy or download the folder again."
        ) from None
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path.parent.name}/{path.name} cannot be read: {error}.", "Copy or download the folder again."
        ) from error
    if not isinstance(data, dict):
        raise WeightsError(f"{path.parent.name}/{path.name} is not a JSON object.")
    return data


def tensor_files(component: Path) -> tuple[Path, ...]:
    """Return the safetensors files of a component's folder, shards in order, each checked to be whole.

    Raises:
        WeightsError: There are none, a shard is missing, one is cut short, or there is only a pickle.
    """
    indexes = sorted(component.glob("*.safetensors.index.json"))
    if indexes:
        wanted = sorted(set(read_json(indexes[0]).get("weight_map", {}).values()))
        files = tuple(component / name for name in wanted)
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise WeightsError(
                f"{component.name} lacks {len(missing)} of its {len(files)} shards: {', '.join(missing)}.",
                "Copy or download these files again.",
            )
    else:
        files = tuple(sorted(component.glob("*.safetensors")))
    if not files:
        raise _no_tensors(component)
    for file in files:
        tensor_header(file)
    return files


def _no_tensors(component: Path) -> WeightsError:
    pickles = sorted(file.name for file in component.glob("*") if file.suffix in PICKLES)
    if pickles:
        return WeightsError(
            f"{component.name} has only {pickles[0]}, a pickle, which could run code when it is opened.",
            "Get the safetensors version of the model, or convert it in an environment that you trust.",
        )
    return WeightsError(f"{component.name} has no .safetensors file.", "Copy or download the folder again.")


def tensor_header(file: Path) -> dict[str, Any]:
    """Return a safetensors file's header, by tensor name, once its length has proved to match.

    Raises:
        WeightsError: The file is cut short or is no safetensors file.
    """
    return tensor_header_whole(file)[1]


def tensor_header_whole(file: Path) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return where a safetensors file's data begins, its header by tensor name, and its metadata.

    Raises:
        WeightsError: The file is cut short or is no safetensors file.
    """
    where = f"{file.parent.name}/{file.name}"
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size, _HEADER_LIMIT):
            raise mistaken.error(file, where)
        try:
            header = json.loads(stream.read(length))
            metadata = header.pop("__metadata__", {})
            end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        except (ValueError, AttributeError, KeyError, TypeError, IndexError) as error:
            raise WeightsError(f"{where} has a damaged header.", "Copy or download it again.") from error
    if size != 8 + length + end:
        raise WeightsError(
            f"{where} is {size} bytes long where its header promises {8 + length + end}.", "Copy or download it again."
        )
    return 8 + length, header, metadata


def tensor_count(component: Path) -> int:
    """Return how many numbers the tensors of a component's folder hold."""
    total = 0
    for file in tensor_files(component):
        for entry in tensor_header(file).values():
            count = 1
            for extent in entry["shape"]:
                count *= extent
            total += count
    return total
