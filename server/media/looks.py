"""Quick looks at a file for whoever shows it: a strip of frames, the loudness of its sound, a copy to play."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from .audio import PACKED, decode_sound, unpacked
from .colors import convert_dtype
from .container import open_container
from .decode import frames_at, load_clip
from .encode import write_video
from .errors import MediaError
from .pictures import write_image
from .probe import probe
from .resize import resize_clip, resize_frame
from .types import Image

if TYPE_CHECKING:
    from .types import Array

MAX_STRIP_FRAMES = 64
STRIP_HEIGHT = 96
_WIDEST_TILE = 240
_NARROWEST_TILE = 24
MAX_PEAKS = 4000
PLAYABLE_SIDE = 960
MAX_PLAYABLE_S = 1800


def write_filmstrip(path: str | Path, target: Path, count: int) -> None:
    """Write frames of a video side by side into one WebP picture: the first, the last, and evenly spaced ones between.

    Each frame is ``STRIP_HEIGHT`` pixels high and as wide as its shape asks for, up to two and a half times that.

    Args:
        path: A local video file.
        target: The picture.
        count: How many frames, 1 to ``MAX_STRIP_FRAMES``; fewer when the video has fewer.

    Raises:
        MediaError: The file is no video, or broken.
    """
    if not 1 <= count <= MAX_STRIP_FRAMES:
        raise MediaError(f"a strip has 1 to {MAX_STRIP_FRAMES} frames, not {count}", "ask for fewer")
    info = probe(path)
    if info.video is None:
        raise MediaError(f"{info.path.name} holds sound but no video", "choose a video file")
    total = info.video.frame_count
    count = min(count, total)
    wanted = [round(number * (total - 1) / max(1, count - 1)) for number in range(count)]
    width = round(STRIP_HEIGHT * info.video.width / info.video.height)
    width = min(max(width, _NARROWEST_TILE), _WIDEST_TILE)
    with closing(frames_at(info, wanted)) as frames:
        tiles = [_tile(pixels, width) for pixels in frames]
    write_image(target, Image(np.concatenate(tiles, axis=1)), quality=72)


def _tile(pixels: Array, width: int) -> Array:
    return convert_dtype(resize_frame(pixels, width, STRIP_HEIGHT, method="area"), "uint8")


def sound_peaks(path: str | Path, count: int) -> list[float]:
    """Return the largest amplitude in each of ``count`` stretches of equal length, from 0 to 1; none without sound.

    The sound is decoded piece by piece and not kept, so its length does not matter.

    Args:
        path: A local video or sound file.
        count: How many stretches, 1 to ``MAX_PEAKS``.

    Raises:
        MediaError: The file is broken, or does not say how long its sound is.
    """
    if not 1 <= count <= MAX_PEAKS:
        raise MediaError(f"a waveform has 1 to {MAX_PEAKS} points, not {count}", "ask for fewer")
    peaks = np.zeros(count, np.float32)
    with open_container(path) as container:
        if not container.streams.audio:
            return []
        stream = container.streams.audio[0]
        length_s = _length_s(stream.duration, stream.time_base, container.duration)
        if length_s <= 0:
            raise MediaError(f"{Path(path).name} does not say how long it is", "convert it to WAV or FLAC")
        rate = stream.codec_context.sample_rate
        position = 0
        for samples in _mono(decode_sound(container, stream), rate):
            places = (np.arange(position, position + len(samples)) * (count / float(length_s * rate))).astype(np.int64)
            np.maximum.at(peaks, np.minimum(places, count - 1), np.abs(samples))
            position += len(samples)
    return [round(float(value), 3) for value in np.clip(peaks, 0.0, 1.0)]


def _length_s(ticks: int | None, time_base: Fraction | None, container_us: int | None) -> Fraction:
    if ticks is not None and time_base is not None:
        return ticks * time_base
    return Fraction(container_us or 0, 1_000_000)


def _mono(frames: Iterator[av.AudioFrame], rate: int) -> Iterator[Array]:
    """Yield the loudest channel of each piece of sound."""
    resampler = av.AudioResampler(format=PACKED, rate=rate)
    for frame in frames:
        for converted in resampler.resample(frame):
            samples = unpacked(converted)
            yield np.take_along_axis(samples, np.abs(samples).argmax(axis=0)[None], axis=0)[0]


def write_playable(path: str | Path, target: Path) -> None:
    """Write a copy of a video in H.264 and AAC, at most ``PLAYABLE_SIDE`` pixels long, its frames at the same times.

    Args:
        path: A local video file of any codec.
        target: An MP4 file.

    Raises:
        MediaError: The file is no video, is broken, or lasts longer than ``MAX_PLAYABLE_S``.
    """
    clip = load_clip(path)
    if clip.frame_count is not None and clip.frame_count / clip.fps > MAX_PLAYABLE_S:
        raise MediaError(
            f"{Path(path).name} is longer than {MAX_PLAYABLE_S // 60} minutes, too long to convert for a look",
            "open it in a video program, or save it as H.264",
        )
    scale = min(1.0, PLAYABLE_SIDE / max(clip.width, clip.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (clip.width, clip.height))
    if (width, height) != (clip.width, clip.height):
        clip = resize_clip(clip, width, height, method="area")
    write_video(target, clip, codec="h264", crf=23, preset="veryfast", pixel_format="yuv420p")
