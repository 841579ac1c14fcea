"""Nodes that show several clips, or text, in one picture."""

from __future__ import annotations

from typing import Annotated, Literal

from nodes import Advanced, Clip, Color, Mask, Number, Slider, Text, node
from nodes.blame import blaming
from nodes.colors import rgb


@node(category="video/composite", aliases=("picture in picture", "PIP", "composite", "watermark", "logo", "blend"))
def overlay_clip(
    clip: Clip,
    overlay: Clip,
    mask: Mask | None = None,
    *,
    x: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 0.5,
    y: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 0.5,
    width: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 0.0,
    opacity: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 1.0,
    after_end: Literal["hold", "hide"] = "hold",
) -> Clip:
    """Lay one clip over another: a picture in a picture, a watermark, a masked layer. Both need the same rate.

    Args:
        clip: What lies below. Size, length and sound are its.
        overlay: What lies above.
        mask: Where the overlay shows, stretched to its size; everywhere without one.
        x: 0 is the left edge, 1 the right edge.
        y: 0 is the upper edge, 1 the lower edge.
        width: Width as a share of the lower clip's; 0 keeps the overlay's own size.
        opacity: 0 is invisible, 1 covers what lies below.
        after_end: What happens when the overlay ends first: `hold` keeps its last frame, `hide` takes it away.

    Returns:
        The composed clip.
    """
    from server.media import composite

    place = composite.Placement(x, y, width, opacity, after_end)
    with blaming("overlay"):
        return composite.overlay_clip(clip, overlay, place=place, mask=mask)


@node(category="video/composite", title="Grid", aliases=("side by side", "split screen", "compare", "stack", "tile"))
def arrange_grid(
    first: Clip,
    second: Clip,
    third: Clip | None = None,
    fourth: Clip | None = None,
    *,
    columns: Annotated[int, Slider(1, 4)] = 2,
    gap: Annotated[int, Number(min=0, max=1024, unit="px")] = 0,
    color: Annotated[str, Color()] = "#000000",
) -> Clip:
    """Show clips side by side, row by row, in cells of the first one's size. All need the same rate.

    Args:
        first: The clip in the upper left corner, whose sound is kept.
        second: The clip after it.
        third: The clip after that.
        fourth: The last clip.
        columns: How many stand side by side; 1 puts them below each other.
        gap: Pixels between the cells.
        color: What shows between them and in empty cells.

    Returns:
        The grid. It lasts as long as the longest clip; one that ends before holds its last frame.
    """
    from server.media.composite import grid_clips

    clips = [clip for clip in (first, second, third, fourth) if clip is not None]
    with blaming("second"):
        return grid_clips(clips, columns, gap=gap, color=rgb(color))


@node(
    category="video/composite",
    title="Burn in text",
    aliases=("timecode", "caption", "subtitle", "title", "label", "frame number", "watermark"),
)
def burn_in_text(
    clip: Clip,
    *,
    text: Annotated[str, Text(multiline=True)] = "{timecode}",
    anchor: Literal["top_left", "top", "top_right", "center", "bottom_left", "bottom", "bottom_right"] = "bottom",
    height: Annotated[float, Slider(0.01, 1.0, step=0.01)] = 0.06,
    color: Annotated[str, Color()] = "#ffffff",
    box: bool = True,
    start_timecode: Annotated[str, Advanced()] = "00:00:00:00",
) -> Clip:
    """Draw text over every frame: a title, a label, a time code.

    Args:
        clip: What to draw on.
        text: What to show. `{timecode}`, `{frame}` and `{seconds}` become those of each frame.
        anchor: Where it stands.
        height: Height of a line as a share of the frame's height.
        color: Color of the letters.
        box: Whether a dark box lies behind them.
        start_timecode: Time code of the first frame; 29.97 and 59.94 frames a second count by drop frame.

    Returns:
        The clip with the text.
    """
    from server.media import captions

    with blaming("start_timecode"):
        captions.frame_of_timecode(start_timecode, clip.fps)
    with blaming("text"):
        return captions.burn_in_text(
            clip, text, anchor=anchor, height=height, color=rgb(color), box=box, start_timecode=start_timecode
        )
