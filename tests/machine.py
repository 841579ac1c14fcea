"""What tests ask of the machine: programs that may be missing. Missing is a visible skip, and in CI a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


def skip_unless(present: bool, reason: str) -> None:
    """Skip a test, visibly, that needs what this machine lacks; in CI the lack is a failure, so no check is lost."""
    if present:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"in CI this may not be missing: {reason}")
    pytest.skip(reason)


@contextmanager
def small_disk(folder: Path, size: str) -> Generator[Path]:
    """Mount a disk of so many bytes (`256k`, `2m`) at a folder; where that is not allowed, skip visibly."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = shutil.which("mount")
    done = None
    if mount is not None:
        command = [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, check=False)
    skip_unless(done is not None and done.returncode == 0, "a small disk cannot be mounted here (it takes root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
