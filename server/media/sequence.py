"""Clips as folders of numbered pictures, and back; read from ZIP archives too. One picture at a time is held."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from .alpha import check_alpha, opacities
from .audio import fit_audio, read_audio
from .audio_files import write_audio
from .container import MAX_PIXELS
from .errors import MediaError
from .files import explain_os_error
from .frames import gather
from .pictures import read_image_tags
from .stills import READABLE, SUFFIXES, StillEncoder, decode_still, read_exr_tags
from .types import Audio, Clip

if TYPE_CHECKING:
    from .types import Array

_NUMBERED = re.compile(r"^(?P<stem>.*?)(?P<number>\d+)$")
_SOUND = "sound.wav"
# A picture of the largest size, 16 bits and opacity, which did not compress at all.
_MAX_FILE_BYTES = 640 * 2**20
MAX_FILES = 1_000_000


def write_sequence(
    folder: Path,
    clip: Clip,
    *,
    kind: str = "png",
    alpha: Clip | None = None,
    metadata: dict[str, str] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> int:
    """Write a clip into a new folder, as frame_000001 and so on, with its sound as sound.wav; return the frame count.

    Args:
        folder: Made here; what is in it when an error comes stays, for the caller to remove.
        clip: What to write.
        kind: ``png`` of 8 bits, ``png16``, or ``exr``: half floats of linear light.
        alpha: A gray clip, white where ``clip`` is opaque.
        metadata: Tags to embed in the first frame.
        progress: Called after each frame with the frames done and the frame count or None; raising in it cancels.

    Raises:
        MediaError: The clip is empty, its transparency does not fit or ends early, or the disk is full.
    """
    check_alpha(clip, alpha)
    encoder = StillEncoder(clip, kind)
    done = 0
    try:
        folder.mkdir()
        with closing(clip.frames()) as frames, closing(opacities(alpha)) as opaque:
            for pixels in frames:
                tags = {"fps": str(clip.fps), **(metadata or {})} if not done else {}
                content = encoder.encode(pixels, next(opaque), tags)
                done += 1
                (folder / f"frame_{done:06d}{SUFFIXES[kind]}").write_bytes(content)
                if progress is not None:
                    progress(done, clip.frame_count)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    if done == 0:
        raise MediaError("the clip has no frames, so there is nothing to write", "check the steps before this one")
    if clip.audio is not None and clip.audio.samples.shape[1]:
        write_audio(folder / _SOUND, fit_audio(clip.audio, done / clip.fps))
    return done


@dataclass(frozen=True, slots=True)
class Sequence:
    """Numbered pictures in a folder or a ZIP archive.

    Attributes:
        path: The folder or the archive.
        names: Files in the order of their numbers.
        sound: Whether a sound.wav is beside them.
        max_pixels: Largest picture that may be decoded.
    """

    path: Path
    names: tuple[str, ...]
    sound: bool
    max_pixels: int = MAX_PIXELS

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            MediaError: It is gone, broken or too large.
        """
        with self.opened() as read:
            return read(name)

    def opened(self) -> closing[Any]:
        """Return a reader of files that holds an archive open, as a context manager."""
        return closing(_Reader(self.path))


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive = None if path.is_dir() else _open_archive(path)

    def __call__(self, name: str) -> bytes:
        try:
            if self._archive is None:
                size, read = (self._path / name).stat().st_size, (self._path / name).read_bytes
            else:
                archive = self._archive
                size, read = archive.getinfo(name).file_size, lambda: archive.read(name)
            if size > _MAX_FILE_BYTES:
                raise MediaError(f"{name} has {size} bytes, too many for a picture", "make it smaller")
            return read()
        except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, NotImplementedError) as error:
            raise MediaError(f"{name} cannot be read ({error})", "check that the sequence is still whole") from error

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()


def find_sequence(path: Path, *, max_pixels: int = MAX_PIXELS) -> Sequence:
    """Find the numbered pictures of a folder or a ZIP archive: those with the commonest name and suffix.

    Raises:
        MediaError: There are none, a number is missing or there twice, or the archive is broken.
    """
    names = _names(path)
    groups: dict[tuple[str, str], dict[int, str]] = {}
    twice: dict[tuple[str, str], tuple[str, str]] = {}
    for name in names:
        pure = PurePosixPath(name)
        match = _NUMBERED.match(pure.stem)
        if match and pure.suffix.lower() in READABLE:
            key = (str(pure.parent / match["stem"]), pure.suffix.lower())
            numbers = groups.setdefault(key, {})
            number = int(match["number"])
            if number in numbers:
                twice.setdefault(key, (numbers[number], name))
            numbers[number] = name
    if not groups:
        raise MediaError(
            f"{path.name} holds no numbered pictures",
            f"name them frame_0001.png and so on; {', '.join(READABLE)} are read",
        )
    chosen = max(groups, key=lambda key: len(groups[key]))
    numbered = groups[chosen]
    if chosen in twice:
        raise MediaError(
            f"{path.name} has two pictures of one number, {' and '.join(sorted(twice[chosen]))}",
            "take one of them away, or rename it",
        )
    first, last = min(numbered), max(numbered)
    missing = next((number for number in range(first, last) if number not in numbered), None)
    if missing is not None:
        raise MediaError(
            f"{path.name} has frames {first} to {last}, but {missing} is missing",
            "render it again, or renumber the files",
        )
    sound = str(PurePosixPath(numbered[first]).parent / _SOUND)
    return Sequence(
        path, tuple(numbered[number] for number in sorted(numbered)), path.is_dir() and sound in names, max_pixels
    )


def _names(path: Path) -> list[str]:
    try:
        if path.is_dir():
            names = [entry.name for entry in path.iterdir() if entry.is_file() and not entry.is_symlink()]
        else:
            with closing(_open_archive(path)) as archive:
                names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except OSError as error:
        raise MediaError(f"{path.name} cannot be read: {error.strerror}", "check the folder") from error
    if len(names) > MAX_FILES:
        raise MediaError(f"{path.name} holds {len(names)} files, above the limit of {MAX_FILES}", "split it into parts")
    # What macOS adds to archives.
    return [name for name in names if not PurePosixPath(name).name.startswith(".") and "__MACOSX" not in name]


def _open_archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise MediaError(f"{path.name} is neither a folder nor a ZIP archive", "choose one of the two") from error


def load_sequence(
    sequence: Sequence, *, fps: Fraction | int | None = None, start: int = 0, count: int | None = None, stride: int = 1
) -> Clip:
    """Open a sequence as a lazy clip, with its sound when that is beside it.

    Args:
        sequence: What ``find_sequence`` found.
        fps: Frames a second; what the first picture says when absent, else 24.
        start: How many frames to leave out at the start.
        count: How many to read; all when absent, or when there are fewer.
        stride: Take every so many of them; the clip lasts as long, at a lower rate.

    Raises:
        MediaError: Nothing is left, or the first picture is broken. Others are read as the clip is consumed.
    """
    return _open(sequence, fps, (start, count, stride), alpha=False)


def load_sequence_alpha(
    sequence: Sequence, *, fps: Fraction | int | None = None, start: int = 0, count: int | None = None, stride: int = 1
) -> Clip:
    """Open the transparency of a sequence as a lazy gray clip without sound; arguments are ``load_sequence``'s."""
    return _open(sequence, fps, (start, count, stride), alpha=True)


def _open(sequence: Sequence, fps: Fraction | int | None, span: tuple[int, int | None, int], *, alpha: bool) -> Clip:
    start, count, stride = span
    kept = sequence.names[start : None if count is None else start + count] if start >= 0 else ()
    names = kept[:: max(1, stride)]
    if not names or stride < 1:
        raise MediaError(
            f"{sequence.path.name} has {len(sequence.names)} frames, so none is left",
            "start earlier and keep at least one",
        )
    rate = Fraction(fps) if fps else _said_rate(sequence) or Fraction(24)
    model = _picture(sequence, sequence.read(names[0]), names[0], alpha=alpha)

    def pictures() -> Generator[Array]:
        with sequence.opened() as read:
            for name in names:
                pixels = _picture(sequence, read(name), name, alpha=alpha)
                if pixels.shape != model.shape or pixels.dtype != model.dtype:
                    kind = f"{pixels.shape[1]}x{pixels.shape[0]} in {pixels.dtype}"
                    raise MediaError(f"{name} is {kind}, unlike the first picture", "render all frames alike")
                yield pixels

    def produce() -> Iterator[Array]:
        return gather(pictures(), clip)

    height, width = model.shape[:2]
    dtype: Any = model.dtype.name
    audio = None if alpha else _sound(sequence, start / rate, len(kept) / rate)
    clip = Clip(produce, width, height, rate / stride, len(names), dtype, audio=audio)
    return clip


def _picture(sequence: Sequence, data: bytes, name: str, *, alpha: bool) -> Array:
    pixels, opacity = decode_still(data, name, max_pixels=sequence.max_pixels)
    if not alpha:
        return pixels
    if opacity is None:
        raise MediaError(f"{name} has no transparency", "load pictures that have, such as PNG or OpenEXR with alpha")
    return np.repeat(opacity[:, :, None], 3, axis=2)


def _said_rate(sequence: Sequence) -> Fraction | None:
    first = sequence.names[0]
    if first.lower().endswith(".exr"):
        said = read_exr_tags(sequence.read(first)).get("fps")
    elif first.lower().endswith(".png") and sequence.path.is_dir():
        said = read_image_tags(sequence.path / first).get("fps")
    else:
        said = None
    try:
        rate = Fraction(said or 0)
    except (ValueError, ZeroDivisionError):
        return None
    return rate if 0 < rate <= 1000 else None


def _sound(sequence: Sequence, start_s: Fraction, duration_s: Fraction) -> Audio | None:
    if not sequence.sound:
        return None
    return read_audio(sequence.path / _SOUND, start_s=start_s, duration_s=duration_s)
