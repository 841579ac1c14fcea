"""A child process of its own: opens a torch pickle with neither network nor other programs, and writes safetensors.

Run by `convert.py` as a file, isolated from the environment and from this package. torch's `weights_only` reader runs
no code of a pickle; the hook below is a second wall, for the day that the first has a hole.
"""

import os
import sys

_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "os.system",
    "os.fork",
    "ctypes.dlopen",
)


def main(source: str, target: str) -> None:
    """Convert one file."""
    import torch
    from safetensors.torch import save_file

    def forbid(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            raise PermissionError(f"a pickle may not use {event}")
        if event == "open" and _writes(arguments) and arguments[0] != target:
            raise PermissionError(f"a pickle may not write {arguments[0]!r}")

    sys.addaudithook(forbid)
    found = torch.load(source, map_location="cpu", weights_only=True)
    for name in ("params_ema", "params", "state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    tensors = {str(name): value.contiguous().clone() for name, value in found.items() if torch.is_tensor(value)}
    if not tensors:
        raise ValueError("the file holds no tensors")
    save_file(tensors, target)


def _writes(arguments: tuple[object, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


if __name__ == "__main__":
    main(*sys.argv[1:])
