"""Real footage for training and judging: video files of a folder, read once into memory and cut into pieces.

No footage is part of the project. The folder is the trainer's: any files that PyAV can decode.
"""

import random
from collections.abc import Collection
from pathlib import Path

import av
import torch
from torch import Tensor
from torch.nn import functional

_SUFFIXES = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v"}
_MAX_FRAMES = 120
_MAX_HEIGHT = 360


def read_footage(folder: Path, *, only: Collection[str] = (), without: Collection[str] = ()) -> list[Tensor]:
    """Reads the first frames of each file, shrunk by whole factors to 360 rows at most.

    Args:
        folder: Holds video files.
        only: Names of the files to take; all of them by default.
        without: Names of files to leave out.

    Returns:
        Clips in uint8, shaped (T, 3, H, W), in the order of their names.

    Raises:
        FileNotFoundError: There is no such file.
    """
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES and path.name not in without]
    chosen = [path for path in paths if not only or path.name in only]
    if not chosen:
        raise FileNotFoundError(f"{folder} holds no video file to train on; put some there")
    return [_read(path) for path in chosen]


def _read(path: Path) -> Tensor:
    frames: list[Tensor] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            pixels = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
            factor = -(-pixels.shape[1] // _MAX_HEIGHT)
            if factor > 1:
                pixels = functional.avg_pool2d(pixels[None].float(), factor)[0].round().byte()
            frames.append(pixels)
            if len(frames) == _MAX_FRAMES:
                break
    return torch.stack(frames)


def cut_pieces(clips: list[Tensor], count: int, *, frames: int, size: int, rng: random.Random) -> Tensor:
    """Cuts squares out of consecutive frames, mirrored by chance.

    Args:
        clips: What `read_footage` returned.
        count: Number of pieces.
        frames: Frames of each.
        size: Height and width of each.
        rng: Chooses clip, time and place.

    Returns:
        Pieces in [0, 1], shaped (count, frames, 3, size, size).
    """
    usable = [clip for clip in clips if len(clip) >= frames and min(clip.shape[2:]) >= size]
    pieces: list[Tensor] = []
    for _ in range(count):
        clip = rng.choice(usable)
        start = rng.randrange(len(clip) - frames + 1)
        top, left = rng.randrange(clip.shape[2] - size + 1), rng.randrange(clip.shape[3] - size + 1)
        piece = clip[start : start + frames, :, top : top + size, left : left + size].float() / 255
        if rng.random() < 0.5:
            piece = piece.flip(-1)
        if rng.random() < 0.5:
            piece = piece.transpose(-1, -2)
        pieces.append(piece)
    return torch.stack(pieces)
