"""Model files on disk, without torch: JSON, safetensors headers, and digests of contents.

What the files mean (families, components) is not known here.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from server.diffusion.errors import WeightsError

_PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
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
    pickles = sorted(file.name for file in component.glob("*") if file.suffix in _PICKLES)
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
    where = f"{file.parent.name}/{file.name}"
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size, _HEADER_LIMIT):
            raise WeightsError(f"{where} is no safetensors file, or is cut short.", "Copy or download it again.")
        try:
            header = json.loads(stream.read(length))
            tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
            end = max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        except (ValueError, AttributeError, KeyError, TypeError, IndexError) as error:
            raise WeightsError(f"{where} has a damaged header.", "Copy or download it again.") from error
    if size != 8 + length + end:
        raise WeightsError(
            f"{where} is {size} bytes long where its header promises {8 + length + end}.", "Copy or download it again."
        )
    return tensors


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


def digest(paths: tuple[Path, ...]) -> str:
    """Return one hex digest over the names and contents of files and of folders' files."""
    total = hashlib.blake2b(digest_size=16)
    for path in paths:
        found = path.rglob("[!.]*") if path.is_dir() else [path]  # a file manager's hidden files are no content
        files = sorted(file for file in found if file.is_file())
        for file in files:
            stat = file.stat()
            total.update(file.relative_to(path.parent).as_posix().encode())
            total.update(_digest_file(str(file), stat.st_size, stat.st_mtime_ns))
    return total.hexdigest()


def digest_texts(*texts: str) -> str:
    """Return one hex digest over texts, in order."""
    total = hashlib.blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode()
        total.update(len(encoded).to_bytes(8, "little") + encoded)
    return total.hexdigest()


@lru_cache(maxsize=4096)
def _digest_file(path: str, size: int, mtime_ns: int) -> bytes:
    # Size and time are there for the cache's sake: a file that changed on disk is hashed anew.
    del size, mtime_ns
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).digest()
