"""The table of codecs that can be written: which encoder, container, pixel format and sound each one goes with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .errors import MediaError


@dataclass(frozen=True, slots=True)
class Codec:
    """Say how one codec is written.

    Attributes:
        encoder: FFmpeg's encoder.
        audio_encoder: FFmpeg's encoder for the sound.
        audio_rates: Sample rates that the sound may have; any when empty.
        suffixes: Suffixes of the containers that hold it; the first is the usual one.
        pixel_formats: What it can store; the first is the default.
        default_crf: Quality when none is asked for, lower is better; None when the codec has no such number.
        max_crf: The worst quality that it knows.
        preset_option: The encoder's name for its speed, or None.
        presets: Values of that option; the default first.
        options: Options that are always set.
        container_tag: FourCC that players expect, or None.
        siting: Where decoders take chroma samples to lie, as ``siting`` names it; nothing for center.
    """

    encoder: str
    audio_encoder: str
    audio_rates: tuple[int, ...]
    suffixes: tuple[str, ...]
    pixel_formats: tuple[str, ...]
    default_crf: int | None
    max_crf: int = 51
    preset_option: str | None = "preset"
    presets: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict[str, str])
    container_tag: str | None = None
    siting: str = ""


_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_X26_PRESETS = ("medium", "ultrafast", "superfast", "veryfast", "faster", "fast", "slow", "slower", "veryslow")
_MP4 = (".mp4", ".mov", ".m4v", ".mkv")

CODECS: dict[str, Codec] = {
    "h264": Codec(
        encoder="libx264",
        audio_encoder="aac",
        audio_rates=_AAC_RATES,
        suffixes=_MP4,
        pixel_formats=("yuv420p", "yuv422p", "yuv444p", "yuv420p10le"),
        default_crf=18,
        presets=_X26_PRESETS,
        siting="left",
    ),
    "h265": Codec(
        encoder="libx265",
        audio_encoder="aac",
        audio_rates=_AAC_RATES,
        suffixes=_MP4,
        pixel_formats=("yuv420p", "yuv420p10le", "yuv444p"),
        default_crf=22,
        presets=_X26_PRESETS,
        options={"x265-params": "log-level=error"},
        container_tag="hvc1",
        siting="left",
    ),
    "av1": Codec(
        encoder="libsvtav1",
        audio_encoder="libopus",
        audio_rates=(48000,),
        suffixes=(".mp4", ".webm", ".mkv"),
        pixel_formats=("yuv420p", "yuv420p10le"),
        default_crf=30,
        max_crf=63,
        presets=("8", "4", "5", "6", "7", "9", "10", "11", "12"),
    ),
    "vp9": Codec(
        encoder="libvpx-vp9",
        audio_encoder="libopus",
        audio_rates=(48000,),
        suffixes=(".webm", ".mkv"),
        pixel_formats=("yuv420p", "yuv444p"),
        default_crf=30,
        max_crf=63,
        preset_option="cpu-used",
        presets=("2", "0", "1", "3", "4", "5", "6", "7", "8"),
        options={"b": "0", "row-mt": "1"},
    ),
    "prores": Codec(
        encoder="prores_ks",
        audio_encoder="pcm_s16le",
        audio_rates=(),
        suffixes=(".mov", ".mkv"),
        pixel_formats=("yuv422p10le",),
        default_crf=None,
        preset_option="profile",
        presets=("hq", "proxy", "lt", "standard"),
        options={"vendor": "apl0"},
    ),
    "ffv1": Codec(
        encoder="ffv1",
        audio_encoder="flac",
        audio_rates=(),
        suffixes=(".mkv",),
        pixel_formats=("bgr0", "yuv444p", "yuv420p", "yuv444p10le", "gbrp16le"),
        default_crf=None,
        preset_option=None,
        options={"level": "3", "slicecrc": "1"},
    ),
}


def choose_codec(name: str, path: Path) -> Codec:
    """Return the codec of that name, having checked that ``path`` has the suffix of a container that holds it.

    Raises:
        MediaError: The codec is unknown or does not go into such a file.
    """
    if name not in CODECS:
        raise MediaError(f"the codec {name} is unknown", f"use one of {', '.join(CODECS)}")
    codec = CODECS[name]
    if path.suffix.lower() not in codec.suffixes:
        raise MediaError(
            f"{path.name} cannot hold {name} video",
            f"name the file {path.stem}{codec.suffixes[0]}, or choose another codec",
        )
    return codec


def choose_options(name: str, crf: int | None, preset: str | None) -> dict[str, str]:
    """Return the encoder's options for a quality and a speed.

    Raises:
        MediaError: The codec does not know such a quality or speed.
    """
    codec = CODECS[name]
    options = dict(codec.options)
    if codec.default_crf is not None:
        quality = codec.default_crf if crf is None else crf
        if not 0 <= quality <= codec.max_crf:
            raise MediaError(
                f"crf {quality} is outside 0 to {codec.max_crf}", f"try {codec.default_crf}; lower is better"
            )
        options["crf"] = str(quality)
    if preset is not None and preset not in codec.presets:
        known = ", ".join(codec.presets) or "none"
        raise MediaError(f"{name} has no preset {preset}", f"leave it out, or use one of: {known}")
    if codec.preset_option is not None:
        options[codec.preset_option] = preset or codec.presets[0]
    return options


def choose_pixel_format(name: str, pixel_format: str | None, width: int, height: int) -> str:
    """Return the pixel format to write, having checked that the size fits its colour resolution.

    Raises:
        MediaError: The codec does not store it, or it needs even sizes and got odd ones.
    """
    codec = CODECS[name]
    chosen = pixel_format or codec.pixel_formats[0]
    if chosen not in codec.pixel_formats:
        raise MediaError(f"{name} cannot store {chosen}", f"use one of {', '.join(codec.pixel_formats)}")
    halved = {"width": "420" in chosen or "422" in chosen, "height": "420" in chosen}
    for side, size in (("width", width), ("height", height)):
        if halved[side] and size % 2:
            raise MediaError(f"{side} {size} is odd, and {chosen} needs it even", f"try {size + 1}")
    return chosen
