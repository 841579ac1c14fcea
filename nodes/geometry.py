"""Nodes that change the shape of a clip's frames: size, crop, bars, turns."""

from __future__ import annotations

from typing import Annotated, Literal

from nodes import Advanced, Clip, Color, Number, ShownIf, node
from nodes.blame import blaming
from nodes.colors import rgb

Method = Literal["lanczos", "bicubic", "bilinear", "area", "nearest"]


@node(category="video/geometry", aliases=("scale", "fit", "fill", "letterbox", "cover", "contain", "aspect ratio"))
def resize_clip(
    clip: Clip,
    *,
    width: Annotated[int, Number(min=1, max=16384, unit="px")] = 1280,
    height: Annotated[int, Number(min=1, max=16384, unit="px")] = 720,
    fit: Literal["fit", "pad", "fill", "stretch"] = "fit",
    multiple_of: Annotated[int, Number(min=1, max=128, unit="px")] = 2,
    color: Annotated[str, Color(), ShownIf("fit", ("pad",))] = "#000000",
    method: Annotated[Method, Advanced()] = "lanczos",
) -> Clip:
    """Resize a clip into a box.

    Args:
        clip: What to resize.
        width: Width of the box in pixels.
        height: Height of the box in pixels.
        fit: `fit` keeps the proportions inside the box, `pad` adds bars to that, `fill` covers the box and crops what
            stands over, `stretch` distorts.
        multiple_of: Both sides become multiples of this; video files need 2, many models 8, 16 or 32.
        color: Color of the bars.
        method: How pixels are weighed: `lanczos` is sharp, `area` is best for shrinking, `nearest` keeps hard edges.

    Returns:
        The resized clip, with the same rate and sound.
    """
    from server.media.geometry import fit_clip

    with blaming("width"):
        return fit_clip(clip, width, height, fit=fit, multiple_of=multiple_of, method=method, color=rgb(color))


@node(category="video/geometry", aliases=("cut out", "rectangle", "region", "trim edges"))
def crop_clip(
    clip: Clip,
    *,
    left: Annotated[int, Number(min=0, max=16384, unit="px")] = 0,
    top: Annotated[int, Number(min=0, max=16384, unit="px")] = 0,
    width: Annotated[int, Number(min=0, max=16384, unit="px")] = 0,
    height: Annotated[int, Number(min=0, max=16384, unit="px")] = 0,
) -> Clip:
    """Keep a rectangle of every frame.

    Args:
        clip: What to crop.
        left: Pixels that fall away on the left.
        top: Pixels that fall away above.
        width: Width of what is kept; 0 keeps everything to the right edge.
        height: Height of what is kept; 0 keeps everything down to the lower edge.

    Returns:
        The rectangle, with the same rate and sound.
    """
    from server.media import geometry

    wide, high = width or clip.width - left, height or clip.height - top
    with blaming("left" if left + wide > clip.width or wide < 1 else "top"):
        return geometry.crop_clip(clip, left=left, top=top, width=wide, height=high)


@node(category="video/geometry", aliases=("border", "letterbox", "bars", "outpaint", "extend"))
def pad_clip(
    clip: Clip,
    *,
    left: Annotated[int, Number(min=0, max=8192, unit="px")] = 0,
    top: Annotated[int, Number(min=0, max=8192, unit="px")] = 0,
    right: Annotated[int, Number(min=0, max=8192, unit="px")] = 0,
    bottom: Annotated[int, Number(min=0, max=8192, unit="px")] = 0,
    color: Annotated[str, Color()] = "#000000",
) -> Clip:
    """Add bars of one color around every frame.

    Args:
        clip: What to frame.
        left: Width of the bar on the left.
        top: Height of the bar above.
        right: Width of the bar on the right.
        bottom: Height of the bar below.
        color: Color of the bars.

    Returns:
        The larger clip, with the same rate and sound.
    """
    from server.media import geometry

    with blaming("left"):
        return geometry.pad_clip(clip, left=left, top=top, right=right, bottom=bottom, color=rgb(color))


@node(category="video/geometry", title="Flip and rotate clip", aliases=("mirror", "turn", "upright", "portrait"))
def flip_rotate_clip(
    clip: Clip,
    *,
    rotate: Literal[0, 90, 180, 270] = 0,
    flip: Literal["none", "horizontal", "vertical", "both"] = "none",
) -> Clip:
    """Flip the frames of a clip, then turn them.

    Args:
        clip: What to turn.
        rotate: Degrees clockwise.
        flip: `horizontal` lets left and right change places, `vertical` above and below.

    Returns:
        The turned clip, with the same rate and sound.
    """
    from server.media.geometry import turn_clip

    mirror, upside_down = flip in {"horizontal", "both"}, flip in {"vertical", "both"}
    return turn_clip(clip, quarter_turns=rotate // 90, mirror=mirror, upside_down=upside_down)
