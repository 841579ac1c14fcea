"""Nodes for the colors of a clip: grading, LUTs, and the colors of another picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from nodes import Clip, Context, FilePicker, Folders, Image, InputProblem, Slider, node
from nodes.blame import blaming
from nodes.files import content_digest, source_path, upload_problems


@node(
    category="video/color", aliases=("color correction", "lift gamma gain", "white balance", "saturation", "contrast")
)
def grade_clip(
    clip: Clip,
    *,
    exposure: Annotated[float, Slider(-4.0, 4.0, step=0.05, unit="stops")] = 0.0,
    temperature: Annotated[float, Slider(-1.0, 1.0, step=0.01)] = 0.0,
    tint: Annotated[float, Slider(-1.0, 1.0, step=0.01)] = 0.0,
    lift: Annotated[float, Slider(-0.5, 0.5, step=0.01)] = 0.0,
    gamma: Annotated[float, Slider(0.1, 4.0, step=0.01)] = 1.0,
    gain: Annotated[float, Slider(0.0, 4.0, step=0.01)] = 1.0,
    contrast: Annotated[float, Slider(0.0, 3.0, step=0.01)] = 1.0,
    saturation: Annotated[float, Slider(0.0, 3.0, step=0.01)] = 1.0,
) -> Clip:
    """Grade the colors of a clip.

    Args:
        clip: What to grade.
        exposure: Brightness of everything, in stops.
        temperature: White balance, from blue to orange.
        tint: White balance, from green to magenta.
        lift: Raises or lowers the shadows.
        gamma: Above 1 brightens the middle tones.
        gain: Brightens the highlights most.
        contrast: Above 1 steepens about middle gray.
        saturation: 0 is gray, 1 keeps the colors.

    Returns:
        The graded clip.
    """
    from server.media import grade

    wanted = grade.Grade(exposure, temperature, tint, lift, gamma, gain, contrast, saturation)
    with blaming("gamma"):
        return grade.grade_clip(clip, wanted)


@node(category="video/color", title="Apply LUT", aliases=("cube", "look", "film look", "3D LUT", "color grade"))
def apply_lut(
    clip: Clip,
    *,
    file: Annotated[Path, FilePicker("uploads", (".cube",))],
    strength: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 1.0,
    ctx: Context,
) -> Clip:
    """Give a clip the look of a .cube file.

    Args:
        clip: What to change.
        file: A .cube file in the uploads folder, with one or three dimensions.
        strength: 0 changes nothing, 1 is the whole look.

    Returns:
        The clip with the look.
    """
    from server.media import cube

    path = source_path(file, ctx.folders)
    with blaming("file"):
        return cube.apply_cube(clip, cube.read_cube(path), strength=strength)


@apply_lut.check
def _check_upload(file: str, folders: Folders) -> Iterator[InputProblem]:
    return upload_problems(file, folders)


@apply_lut.fingerprint
def _upload_digest(file: str, folders: Folders) -> str:
    return content_digest(file, folders)


@node(category="video/color", aliases=("color transfer", "harmonize", "continuity", "drift", "reference"))
def match_color(clip: Clip, reference: Image, *, strength: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 1.0) -> Clip:
    """Give a clip the colors of a picture. What brings its first frame there is done to all, so nothing flickers.

    Args:
        clip: What to change.
        reference: The picture with the wanted colors, such as the last frame of the shot before.
        strength: 0 changes nothing, 1 matches.

    Returns:
        The matched clip.
    """
    from server.media import grade

    with blaming("strength"):
        return grade.match_color(clip, reference, strength=strength)
