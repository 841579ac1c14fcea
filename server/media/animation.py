"""Animated GIF and WebP: silent loops, written frame by frame as they come. Video is in ``encode``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error
import av.filter
import numpy as np

from .alpha import check_alpha, opacities
from .colors import convert_dtype
from .embed import embed_in_gif, embed_in_webp
from .errors import MediaError
from .files import explain_os_error, write_whole
from .pictures import check_sides
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

# Browsers show GIF frames that are shorter than two hundredths of a second at a tenth of a second.
MAX_GIF_FPS = 50
SUFFIXES = (".gif", ".webp")


def write_animation(
    path: str | Path,
    clip: Clip,
    *,
    quality: int = 75,
    alpha: Clip | None = None,
    workflow: str | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> None:
    """Write a clip, without its sound, as an animation that loops for ever; whole or not at all.

    Args:
        path: The file to write; its suffix chooses GIF (each frame has its own 256 colors) or WebP.
        clip: What to write.
        quality: 1 (smallest file) to 100, for WebP.
        alpha: A gray clip of the same size and rate, white where ``clip`` is opaque; for WebP.
        workflow: The workflow to embed, as JSON.
        progress: Called after each frame with the frames done and the frame count or None; raising in it cancels.

    Raises:
        MediaError: The suffix, the size, the rate or the quality does not fit, the clip is empty, or the disk is full.
    """
    target = Path(path).absolute()
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES or not 1 <= quality <= 100:
        message = f"{target.name} at quality {quality} is no animation"
        raise MediaError(message, "name it .gif or .webp, quality 1 to 100")
    if suffix == ".gif" and clip.fps > MAX_GIF_FPS:
        raise MediaError(f"a GIF cannot show {float(clip.fps):g} frames a second", "change the rate to 25, or use WebP")
    if suffix == ".gif" and alpha is not None:
        raise MediaError("a GIF has no soft transparency", "use WebP")
    check_sides(suffix[1:].upper(), clip.width, clip.height)
    check_alpha(clip, alpha)
    with write_whole(target) as temporary:
        try:
            with av.open(str(temporary), "w", options={"loop": "0"}) as container:
                stream = _add_stream(container, clip, suffix, quality)
                _write(container, stream, clip, alpha, progress)
            if workflow is not None:
                (embed_in_gif if suffix == ".gif" else embed_in_webp)(temporary, workflow)
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise explain_os_error(error, target) from error
            raise MediaError(f"the encoder failed on {target.name} ({error})", "try the other format") from error


def _add_stream(container: Any, clip: Clip, suffix: str, quality: int) -> Any:
    encoder, pixel_format = ("gif", "pal8") if suffix == ".gif" else ("libwebp_anim", "bgra")
    options = {} if suffix == ".gif" else {"quality": str(quality)}
    stream = container.add_stream(encoder, rate=clip.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, pixel_format
    stream.codec_context.time_base = 1 / clip.fps
    return stream


def _write(
    container: Any, stream: Any, clip: Clip, alpha: Clip | None, progress: Callable[[int, int | None], None] | None
) -> None:
    palette = _Palette(clip) if stream.pix_fmt == "pal8" else None
    done = 0
    with closing(clip.frames()) as frames, closing(opacities(alpha, "uint8")) as opaque:
        for index, pixels in enumerate(frames):
            frame = _frame_of(convert_dtype(pixels, "uint8"), next(opaque))
            frame.pts, frame.time_base = index, 1 / clip.fps
            # WebP's own conversion from RGB is what its readers undo.
            for ready in palette.reduce(frame) if palette else [frame.reformat(format="bgra")]:
                container.mux(stream.encode(ready))
            done = index + 1
            if progress is not None:
                progress(done, clip.frame_count)
    if done == 0:
        raise MediaError("the clip has no frames, so there is nothing to write", "check the steps before this one")
    for ready in palette.reduce(None) if palette else []:
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


def _frame_of(pixels: Array, opacity: Array | None) -> av.VideoFrame:
    if opacity is None:
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
    return av.VideoFrame.from_ndarray(np.concatenate([pixels, opacity[:, :, None]], axis=2), "rgba")


class _Palette:
    """FFmpeg's filters that choose 256 colors for each frame and dither to them."""

    def __init__(self, clip: Clip) -> None:
        graph = av.filter.Graph()
        rgb = av.VideoFormat("rgb24", clip.width, clip.height)
        source: Any = graph.add_buffer(width=clip.width, height=clip.height, format=rgb, time_base=1 / clip.fps)
        split, choose = graph.add("split", "2"), graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use, sink = graph.add("paletteuse", "new=1:dither=sierra2_4a"), graph.add("buffersink")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(choose, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        self._graph, self._source, self._sink = graph, source, sink

    def reduce(self, frame: av.VideoFrame | None) -> Iterator[Any]:
        """Yield the frames that are ready once this one, or the end, has gone in."""
        self._source.push(frame)
        while True:
            try:
                yield self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
