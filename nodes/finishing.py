"""Nodes for the finish of a clip: color, LUTs, sharpness, grain, vignette, noise and flicker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from nodes import Clip, Context, FilePicker, Folders, Image, InputProblem, Seed, ShownIf, Slider, node
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


@node(category="video/finish", aliases=("unsharp mask", "detail", "crisp", "blur", "soften"))
def sharpen_clip(
    clip: Clip,
    *,
    amount: Annotated[float, Slider(-1.0, 5.0, step=0.05)] = 0.5,
    radius: Annotated[float, Slider(0.1, 10.0, step=0.1, unit="px")] = 1.0,
) -> Clip:
    """Sharpen a clip, or blur it.

    Args:
        clip: What to sharpen.
        amount: How much; below 0 softens, and -1 is a Gaussian blur.
        radius: Size of the details that are meant.

    Returns:
        The sharper clip.
    """
    from server.media import finish

    with blaming("radius"):
        return finish.sharpen_clip(clip, amount=amount, radius=radius)


@node(category="video/finish", title="Film grain", aliases=("noise", "grain", "texture", "dither"))
def add_film_grain(
    clip: Clip,
    *,
    amount: Annotated[float, Slider(0.0, 0.5, step=0.005)] = 0.05,
    size: Annotated[float, Slider(1.0, 16.0, step=0.1, unit="px")] = 1.0,
    seed: Annotated[int, Seed()] = 0,
) -> Clip:
    """Add film grain: gray noise, strongest in the middle tones, another one on each frame.

    Args:
        clip: What to add it to.
        amount: Its strength.
        size: Size of a grain.
        seed: The same seed gives the same grain.

    Returns:
        The grainy clip.
    """
    from server.media import finish

    with blaming("amount"):
        return finish.add_grain(clip, amount=amount, size=size, seed=seed)


@node(category="video/finish", title="Vignette", aliases=("darken corners", "edges", "lens"))
def add_vignette(
    clip: Clip,
    *,
    amount: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 0.5,
    start: Annotated[float, Slider(0.0, 0.95, step=0.01)] = 0.4,
) -> Clip:
    """Darken a clip towards its corners.

    Args:
        clip: What to darken.
        amount: How much of the light is gone in the corners.
        start: Where it begins: 0 in the middle, 1 in the corners.

    Returns:
        The darkened clip.
    """
    from server.media import finish

    with blaming("amount"):
        return finish.add_vignette(clip, amount=amount, start=start)


@node(category="video/finish", title="Temporal denoise", aliases=("noise", "clean", "smooth", "shimmer", "boiling"))
def denoise_clip(
    clip: Clip,
    *,
    strength: Annotated[float, Slider(0.005, 0.5, step=0.005)] = 0.05,
    radius: Annotated[int, Slider(1, 8, unit="frames")] = 2,
) -> Clip:
    """Even out noise by averaging each pixel with those of the frames around it, where these are like it.

    Args:
        clip: What to clean.
        strength: Differences up to about this are noise, larger ones are motion.
        radius: How many frames before and after are looked at.

    Returns:
        The cleaner clip.
    """
    from server.media import steady

    with blaming("strength"):
        return steady.denoise_clip(clip, strength=strength, radius=radius)


@node(category="video/finish", title="Deflicker", aliases=("brightness", "pulsing", "exposure", "time lapse", "steady"))
def deflicker_clip(clip: Clip, *, radius: Annotated[int, Slider(1, 8, unit="frames")] = 3) -> Clip:
    """Make each frame as bright as the frames around it are on average.

    Args:
        clip: What to steady.
        radius: How many frames before and after are averaged.

    Returns:
        The steadier clip.
    """
    from server.media import steady

    with blaming("radius"):
        return steady.deflicker_clip(clip, radius=radius)


@node(category="video/finish", title="Stabilize", aliases=("shake", "steady", "handheld", "camera", "jitter", "smooth"))
def stabilize_clip(
    clip: Clip,
    *,
    smoothness: Annotated[int, Slider(1, 60, unit="frames")] = 15,
    border: Literal["crop", "edge", "black"] = "crop",
    crop: Annotated[float, Slider(0.0, 0.3, step=0.01), ShownIf("border", ("crop",))] = 0.1,
    turns: bool = True,
) -> Clip:
    """Take the shake of a hand-held camera out of a clip; slow pans stay.

    Args:
        clip: What to steady.
        smoothness: How many frames before and after the camera's path is smoothed over. So many are held in memory.
        border: What shows where a frame was moved away: `crop` enlarges all frames so that nothing does, `edge` repeats
            the outermost pixels, `black` leaves it black.
        crop: The share of each side that may fall away; it bounds how far frames are moved.
        turns: Take turns and zooms out too, and not only shifts.

    Returns:
        The steady clip.
    """
    from server.media import stabilize

    with blaming("smoothness"):
        return stabilize.stabilize_clip(clip, stabilize.Steadiness(smoothness, border, crop, turns))
