"""Nodes for sound: files, cutting, mixing, loudness, and the way from clips and to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from nodes import (
    Artifact,
    Audio,
    Clip,
    Context,
    FilePicker,
    Folders,
    InputProblem,
    NodeInputError,
    Number,
    Output,
    Slider,
    Trim,
    node,
)
from nodes.blame import blaming
from nodes.files import content_digest, output_problems, source_path, upload_problems

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".opus", ".ogg", ".aac", ".mp4", ".mov", ".mkv", ".webm")
_MAX_S = 36_000
_MEDIA_TYPES = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "opus": "audio/ogg",
}


@node(category="audio", aliases=("open", "import", "upload", "music", "sound", "wav", "mp3"))
def load_audio(
    *,
    file: Annotated[Path, FilePicker("uploads", AUDIO_SUFFIXES)],
    start_s: Annotated[float, Trim(max=_MAX_S)] = 0.0,
    duration_s: Annotated[float, Number(min=0, max=_MAX_S, step=0.1, unit="s")] = 0.0,
    ctx: Context,
) -> Audio:
    """Read the sound of an audio or video file.

    Args:
        file: A file in the uploads folder.
        start_s: Where to start, in seconds.
        duration_s: How much to read, in seconds; 0 reads to the end.

    Returns:
        The sound.
    """
    from server.media.audio import read_audio

    path = source_path(file, ctx.folders)
    with blaming("file"):
        audio = read_audio(path, start_s=start_s, duration_s=duration_s or None)
    if audio is None:
        raise NodeInputError("file", f"{path.name} has no sound", "choose another file")
    return audio


@load_audio.check
def _check_upload(file: str, folders: Folders) -> Iterator[InputProblem]:
    return upload_problems(file, folders)


@load_audio.fingerprint
def _upload_digest(file: str, folders: Folders) -> str:
    return content_digest(file, folders)


@node(category="audio", sink=True, aliases=("export", "write", "sound", "wav", "flac"))
def save_audio(
    audio: Audio,
    *,
    filename: str = "audio",
    format: Literal["wav", "flac", "mp3", "m4a", "opus"] = "wav",  # noqa: A002  (the field's word)
    ctx: Context,
) -> Annotated[Artifact, Output("file")]:
    """Write sound into a file, with the workflow embedded that made it.

    Args:
        audio: What to write.
        filename: Name in the outputs folder, without suffix; folders are separated by a slash. A number is added.
        format: `wav` keeps every sample as it is, `flac` is smaller and has 24 bits; the others are small and lose a
            little.

    Returns:
        The file.
    """
    from server.media.audio_files import write_audio

    metadata = {"workflow": ctx.workflow} if ctx.workflow else None
    return ctx.save(
        filename, f".{format}", _MEDIA_TYPES[format], lambda path: write_audio(path, audio, metadata=metadata)
    )


@save_audio.check
def _check_filename(filename: str, folders: Folders) -> Iterator[InputProblem]:
    return output_problems(filename, folders)


@node(category="audio", aliases=("extract", "sound", "audio from video", "split"))
def extract_audio(clip: Clip) -> Audio:
    """Take the sound of a clip.

    Args:
        clip: A clip with sound.

    Returns:
        Its sound.
    """
    if clip.audio is None:
        raise NodeInputError("clip", "the clip has no sound", "give it one with 'Set sound'")
    return clip.audio


@node(category="audio", title="Set sound", aliases=("replace audio", "mute", "add music", "remove sound", "dub"))
def set_sound(clip: Clip, audio: Audio | None = None) -> Clip:
    """Give a clip another sound, or none. It is cut, or filled with silence, to the clip's length.

    Args:
        clip: The frames.
        audio: The new sound; without one the clip is mute.

    Returns:
        The clip with that sound.
    """
    from server.media import mixing

    return mixing.set_sound(clip, audio)


@node(category="audio", title="Edit audio", aliases=("trim", "cut", "gain", "volume", "fade in", "fade out"))
def edit_audio(
    audio: Audio,
    *,
    start_s: Annotated[float, Number(min=0, max=_MAX_S, step=0.1, unit="s")] = 0.0,
    duration_s: Annotated[float, Number(min=0, max=_MAX_S, step=0.1, unit="s")] = 0.0,
    gain_db: Annotated[float, Slider(-60.0, 60.0, step=0.5, unit="dB")] = 0.0,
    fade_in_s: Annotated[float, Number(min=0, max=600, step=0.1, unit="s")] = 0.0,
    fade_out_s: Annotated[float, Number(min=0, max=600, step=0.1, unit="s")] = 0.0,
) -> Audio:
    """Cut sound, make it louder or softer, and fade it in and out.

    Args:
        audio: What to edit.
        start_s: Where the part starts, in seconds.
        duration_s: How long it lasts, in seconds; 0 keeps everything to the end. Silence fills what is lacking.
        gain_db: How much louder, in decibels; below 0 it is softer.
        fade_in_s: How long it rises from silence.
        fade_out_s: How long it falls to silence before its end.

    Returns:
        The edited sound.
    """
    from fractions import Fraction

    from server.media import mixing
    from server.media.audio import slice_audio

    left_s = audio.duration_s - Fraction(start_s)
    if left_s <= 0:
        message = f"the sound is {float(audio.duration_s):.2f} s long, so nothing starts at {start_s:g} s"
        raise NodeInputError("start_s", message, "start earlier")
    part = slice_audio(audio, Fraction(start_s), Fraction(duration_s) or left_s)
    with blaming("gain_db"):
        part = mixing.apply_gain(part, gain_db)
    with blaming("fade_out_s" if fade_out_s else "fade_in_s"):
        return mixing.fade_audio(part, in_s=fade_in_s, out_s=fade_out_s)


@node(category="audio", aliases=("add", "combine", "layer", "music", "voice over"))
def mix_audio(
    first: Audio,
    second: Audio,
    *,
    first_gain_db: Annotated[float, Slider(-60.0, 20.0, step=0.5, unit="dB")] = 0.0,
    second_gain_db: Annotated[float, Slider(-60.0, 20.0, step=0.5, unit="dB")] = 0.0,
    second_start_s: Annotated[float, Number(min=0, max=_MAX_S, step=0.1, unit="s")] = 0.0,
) -> Audio:
    """Let two sounds play at once. Rate and channels are the first one's.

    Args:
        first: One sound.
        second: The other.
        first_gain_db: How much louder the first one is made, in decibels.
        second_gain_db: How much louder the second one is made.
        second_start_s: When the second one starts.

    Returns:
        Both together.
    """
    from server.media import mixing

    with blaming("second"):
        loud = mixing.apply_gain(second, second_gain_db)
        return mixing.mix_audio([(mixing.apply_gain(first, first_gain_db), 0), (loud, second_start_s)])


@node(category="audio", title="Change tempo", aliases=("speed", "time stretch", "slow", "fast", "tempo", "pitch kept"))
def change_tempo(audio: Audio, *, speed: Annotated[float, Number(min=0.01, max=100, step=0.05)] = 1.25) -> Audio:
    """Play sound faster or slower at the same pitch. 'Change speed' does it for a clip with its sound.

    Args:
        audio: What to change.
        speed: 2 is twice as fast, 0.5 half as fast.

    Returns:
        The faster or slower sound; its length is exact.
    """
    from fractions import Fraction

    from server.media.stretch import stretch_audio

    return stretch_audio(audio, Fraction(speed).limit_denominator(10_000))


@node(category="audio", aliases=("EBU R128", "LUFS", "level", "volume", "loudnorm"))
def normalize_loudness(
    audio: Audio,
    *,
    target_lufs: Annotated[float, Slider(-60.0, -5.0, step=0.5, unit="LUFS")] = -23.0,
    peak_db: Annotated[float, Slider(-20.0, 0.0, step=0.5, unit="dBTP")] = -1.0,
) -> Audio:
    """Bring sound to a loudness by EBU R128, by one gain for all of it.

    Args:
        audio: What to normalize.
        target_lufs: -23 is broadcast, -14 what most streaming services play at.
        peak_db: True peak that is not exceeded; where it would be, the sound stays softer than the target.

    Returns:
        The sound at that loudness.
    """
    from server.media import loudness

    with blaming("target_lufs"):
        return loudness.normalize_loudness(audio, target_lufs=target_lufs, peak_db=peak_db)


@node(category="audio", title="Silence", aliases=("empty", "mute", "pause", "blank audio"))
def make_silence(
    *,
    seconds: Annotated[float, Number(min=0.01, max=_MAX_S, step=0.5, unit="s")] = 2.0,
    channels: Annotated[int, Slider(1, 8)] = 2,
) -> Audio:
    """Make silence at 48 kHz, such as for what a mix is built on.

    Args:
        seconds: How long.
        channels: 1 is mono, 2 is stereo.

    Returns:
        The silence.
    """
    from server.media.audio import silence

    return silence(seconds, channels=channels)
