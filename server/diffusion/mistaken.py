"""What a file is that is named like weights and holds none, by how it begins: downloads fail in a few known ways."""

from __future__ import annotations

from pathlib import Path

from server.diffusion.errors import WeightsError

_BEGINNINGS = {
    b"version https://git-lfs": "a pointer of Git LFS: the file itself was not downloaded",
    b"<": "a web page, as a download that was refused leaves behind",
    b"PK": "a pickle with another ending, which could run code when it is opened",
    b"\x80": "a pickle with another ending, which could run code when it is opened",
    b"GGUF": "a GGUF file with another ending",
}
"""What is found instead of weights, by how it begins."""


def error(file: Path, where: str) -> WeightsError:
    """Return what is wrong with a file that does not begin as safetensors do; `where` names it for people."""
    with file.open("rb") as stream:
        begins = stream.read(64).lstrip()
    found = next((what for beginning, what in _BEGINNINGS.items() if begins.startswith(beginning)), None)
    if not begins:
        found = "empty"
    if found is None:
        return WeightsError(f"{where} is no safetensors file, or is cut short.", "Copy or download it again.")
    if found.startswith("a pickle"):
        return WeightsError(f"{where} is {found}.", "Get the safetensors version of the model.")
    hint = "Name it .gguf." if "GGUF" in found else "Download it again, and compare its size."
    return WeightsError(f"{where} is {found}.", hint)
