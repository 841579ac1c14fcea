"""Whether an encoder on the graphics card works here: only opening it tells. Which ones there are is in ``codecs``."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

# The names under which NVENC takes what the software encoders take.
PIXEL_FORMATS = {"yuv420p": "yuv420p", "yuv444p": "yuv444p", "yuv420p10le": "p010le", "yuv422p": "nv16"}


def why_unusable(encoder: str, pixel_format: str, width: int, height: int, options: dict[str, str]) -> str | None:
    """Return why an encoder cannot be used for frames of that kind, or None when it can.

    Without a card or its driver, on a card without an encoder, and with all its sessions taken, FFmpeg answers with
    errors of several kinds, none of them documented.
    """
    if pixel_format not in PIXEL_FORMATS:
        return f"it does not store {pixel_format}"
    try:
        context: Any = av.CodecContext.create(encoder, "w")
        context.width, context.height, context.pix_fmt = width, height, PIXEL_FORMATS[pixel_format]
        context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
        context.options = dict(options)
        context.open()
    except PermissionError:
        # FFmpeg's answer, a bare -1, when the driver's library is not there.
        return "there is no NVIDIA card or no driver for it"
    except (av.FFmpegError, ValueError, OSError, RuntimeError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None
