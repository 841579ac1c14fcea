"""Reads files in a process of its own and tells, as JSON lines, how each ended and the most memory that was held.

Run as a script with paths. A hostile file may hang or end the process; its parent sees that and goes on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil

from server.media.audio import read_audio
from server.media.decode import load_clip
from server.media.errors import MediaError
from server.media.pictures import read_image

FRAMES = 500


def peak_bytes() -> int:
    """Return the most memory that this process ever held."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    if sys.platform == "linux":
        # The kernel's other figure, ru_maxrss, begins with what the parent held.
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def read(path: Path) -> dict[str, object]:
    """Read a file's frames, or its sound or picture, and return how that ended."""
    try:
        if path.suffix in {".png", ".tif"}:
            read_image(path)
        elif path.suffix in {".wav", ".aac"}:
            read_audio(path)
        else:
            for number, _pixels in enumerate(load_clip(path).frames()):
                if number > FRAMES:
                    break
    except MediaError as error:
        return {"problem": error.message, "hint": error.hint}
    return {"problem": "", "hint": ""}


if __name__ == "__main__":
    before = peak_bytes()
    for name in sys.argv[1:]:
        print(json.dumps({"name": Path(name).name, **read(Path(name)), "held": peak_bytes() - before}), flush=True)
