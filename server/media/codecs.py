"""The table of codecs that can be written: which encoder, container, pixel format and sound each one goes with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .errors import MediaError
from .types import Clip


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
        speeds: Its values for the words of ``SPEEDS``, where it has other words of its own.
        options: Options that are always set.
        container_tag: FourCC that players expect, or None.
        siting: Where decoders take chroma samples to lie, as ``siting`` names it; nothing for center.
        hardware: FFmpeg's encoder on an NVIDIA GPU, or None.
        lossless: Whether what is read back is what was written, to the bit.
        min_side: The smallest width and height that the encoder takes, in pixels.
        max_fps: The most frames a second that it takes, or None.
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
    speeds: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict[str, str])
    container_tag: str | None = None
    siting: str = ""
    hardware: str | None = None
    lossless: bool = False
    min_side: int = 1
    max_fps: int | None = None


# At 48 pixels of width and less x265 4.2 writes past the end of what its "cutree" holds, and breaks the heap. What that
# does, weighing blocks by how much later frames refer to them, tells little apart in so few blocks.
_X265_NARROW = 64
# With more than one thread SVT-AV1 4.1 waits for ever where a picture is one thin row or column of blocks of 64 pixels.
_SVTAV1_THIN = 64
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
SPEEDS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_X26_PRESETS = ("medium", "ultrafast", "superfast", "veryfast", "faster", "fast", "slow", "slower", "veryslow")
_MP4 = (".mp4", ".mov", ".m4v", ".mkv")


def _planar(*depths: int) -> tuple[str, ...]:
    """Return the names of YUV formats with so many bits; 4:2:0 first, then 4:2:2 and 4:4:4."""
    return tuple(f"yuv{chroma}p" + ("" if bits == 8 else f"{bits}le") for bits in depths for chroma in (420, 422, 444))


CODECS: dict[str, Codec] = {
    "h264": Codec(
        encoder="libx264",
        audio_encoder="aac",
        audio_rates=_AAC_RATES,
        suffixes=_MP4,
        pixel_formats=_planar(8, 10),
        default_crf=18,
        presets=_X26_PRESETS,
        siting="left",
        hardware="h264_nvenc",
    ),
    "h265": Codec(
        encoder="libx265",
        audio_encoder="aac",
        audio_rates=_AAC_RATES,
        suffixes=(".mp4", ".mov", ".mkv"),  # the container of .m4v takes none
        pixel_formats=_planar(8, 10, 12),
        default_crf=22,
        presets=_X26_PRESETS,
        options={"x265-params": "log-level=error"},
        hardware="hevc_nvenc",
        container_tag="hvc1",
        siting="left",
        min_side=16,
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
        speeds=("12", "11", "10", "9", "8", "7", "6", "5", "4"),
        hardware="av1_nvenc",
        min_side=4,
        max_fps=240,
    ),
    "vp9": Codec(
        encoder="libvpx-vp9",
        audio_encoder="libopus",
        audio_rates=(48000,),
        suffixes=(".webm", ".mkv"),
        pixel_formats=(*_planar(8), "yuva420p"),
        default_crf=30,
        max_crf=63,
        preset_option="cpu-used",
        presets=("2", "0", "1", "3", "4", "5", "6", "7", "8"),
        speeds=("8", "7", "6", "5", "4", "3", "2", "1", "0"),
        options={"b": "0", "row-mt": "1"},
    ),
    "prores": Codec(
        encoder="prores_ks",
        audio_encoder="pcm_s16le",
        audio_rates=(),
        suffixes=(".mov", ".mkv"),
        pixel_formats=("yuv422p10le", "yuv444p10le", "yuva444p10le"),
        default_crf=None,
        preset_option="profile",
        presets=("hq", "proxy", "lt", "standard", "4444", "4444xq"),
        options={"vendor": "apl0"},
    ),
    "ffv1": Codec(
        encoder="ffv1",
        audio_encoder="flac",
        audio_rates=(),
        suffixes=(".mkv",),
        pixel_formats=("bgr0", "bgra", "gbrp16le", "gbrap16le", *_planar(8, 10, 12)),
        default_crf=None,
        preset_option=None,
        options={"level": "3", "slicecrc": "1"},
        lossless=True,
    ),
}


def has_alpha(pixel_format: str) -> bool:
    """Return whether a pixel format of FFmpeg's keeps transparency."""
    return pixel_format.startswith(("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16"))


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


def choose_options(name: str, crf: int | None, preset: str | None, pixel_format: str) -> dict[str, str]:
    """Return the encoder's options for a quality and a speed.

    Raises:
        MediaError: The codec does not know such a quality or speed, or not with that pixel format.
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
    if codec.speeds and preset in SPEEDS:
        preset = codec.speeds[SPEEDS.index(preset)]
    if preset is not None and preset not in codec.presets:
        known = ", ".join((SPEEDS if codec.speeds else ()) + codec.presets) or "none"
        raise MediaError(f"{name} has no preset {preset}", f"leave it out, or use one of: {known}")
    if codec.preset_option is not None:
        options[codec.preset_option] = preset or _default_preset(codec, pixel_format)
    if codec.preset_option == "profile" and ("444" in pixel_format) != options["profile"].startswith("4444"):
        raise MediaError(f"the profile {preset} does not store {pixel_format}", "leave the preset out")
    return options


def _default_preset(codec: Codec, pixel_format: str) -> str:
    deep_color = codec.preset_option == "profile" and "444" in pixel_format
    return "4444" if deep_color else codec.presets[0]


def options_for_size(name: str, width: int, height: int) -> dict[str, str]:
    """Return the options that keep the software encoder of a codec sound at a small size; nothing at others.

    They are to be laid over those of ``choose_options``.
    """
    if name == "h265" and width < _X265_NARROW:
        return {"x265-params": f"{CODECS[name].options['x265-params']}:cutree=0"}
    if name == "av1" and min(width, height) <= _SVTAV1_THIN:
        return {"svtav1-params": "lp=1"}
    return {}


def check_limits(name: str, clip: Clip) -> None:
    """Refuse what the software encoder of a codec would not open for.

    Raises:
        MediaError: A side is too small for it, or the rate too high.
    """
    codec = CODECS[name]
    if min(clip.width, clip.height) < codec.min_side:
        raise MediaError(
            f"{clip.width}x{clip.height} is too small for {name}, whose sides are {codec.min_side} pixels or more",
            "make it larger, or use h264",
        )
    if codec.max_fps is not None and clip.fps > codec.max_fps:
        raise MediaError(
            f"{name} stores {codec.max_fps} frames a second at most, not {float(clip.fps):g}",
            f"change the rate to {codec.max_fps}, or use h264",
        )


def hardware_options(name: str, crf: int | None) -> dict[str, str]:
    """Return the options of the NVIDIA encoder of a codec, for the quality that ``crf`` stands for."""
    quality = CODECS[name].default_crf if crf is None else crf
    # NVENC's AV1 counts to 51 as its other codecs do, where libsvtav1 counts to 63.
    scaled = round((quality or 0) * 51 / CODECS[name].max_crf)
    return {"preset": "p5", "tune": "hq", "rc": "vbr", "cq": str(max(1, scaled)), "b": "0"}


def find_pixel_format(name: str, *, bits: int = 8, chroma: int = 420, alpha: bool = False) -> str:
    """Return FFmpeg's name of how a codec stores pixels of that kind.

    Args:
        name: A codec.
        bits: Bits of each component. For lossless and editing codecs it is the least that is kept.
        chroma: 420 keeps a quarter of the color's resolution, 422 a half, 444 all; at least so much is kept.
        alpha: Whether transparency is kept.

    Raises:
        MediaError: The codec has nothing of that kind; the hint names what it has.
    """
    codec = CODECS[name]
    if codec.lossless:
        return {False: ("bgr0", "gbrp16le"), True: ("bgra", "gbrap16le")}[alpha][bits > 8]
    fitting = [
        known
        for known in codec.pixel_formats
        if _bits(known) >= bits and _chroma(known) >= chroma and known.startswith("yuva") == alpha
    ]
    exact = [known for known in fitting if (_bits(known), _chroma(known)) == (bits, chroma)]
    if not fitting or not (exact or codec.preset_option == "profile"):
        kind = f"{bits} bits, 4:{str(chroma)[1]}:{str(chroma)[2]}" + (" and transparency" if alpha else "")
        raise MediaError(f"{name} does not store {kind}", f"what it stores: {', '.join(codec.pixel_formats)}")
    return (exact or fitting)[0]


def _bits(pixel_format: str) -> int:
    depth = pixel_format.rpartition("p")[2].removesuffix("le")
    return int(depth) if depth else 8


def _chroma(pixel_format: str) -> int:
    return int("".join(filter(str.isdigit, pixel_format.partition("p")[0])) or 444)


def choose_pixel_format(name: str, pixel_format: str | None, clip: Clip, *, alpha: bool = False) -> str:
    """Return the pixel format to write, having checked that the clip's size fits its colour resolution.

    Without one given it is the codec's usual one; a lossless codec gets one that keeps all bits of the clip.

    Raises:
        MediaError: The codec does not store it, or it needs even sizes and got odd ones.
    """
    codec = CODECS[name]
    chosen = pixel_format or _usual_format(name, clip, alpha=alpha)
    if chosen not in codec.pixel_formats:
        raise MediaError(f"{name} cannot store {chosen}", f"use one of {', '.join(codec.pixel_formats)}")
    if alpha and not has_alpha(chosen):
        raise MediaError(f"{chosen} keeps no transparency", "leave the pixel format out")
    halved = {"width": "420" in chosen or "422" in chosen, "height": "420" in chosen}
    for side, size in (("width", clip.width), ("height", clip.height)):
        if halved[side] and size % 2:
            raise MediaError(f"{side} {size} is odd, and {chosen} needs it even", f"try {size + 1}")
    return chosen


def _usual_format(name: str, clip: Clip, *, alpha: bool) -> str:
    codec = CODECS[name]
    if codec.lossless:
        return find_pixel_format(name, bits=8 if clip.dtype == "uint8" else 16, alpha=alpha)
    if not alpha:
        return codec.pixel_formats[0]
    formats = [known for known in codec.pixel_formats if has_alpha(known)]
    if not formats:
        able = [other for other, one in CODECS.items() if any(map(has_alpha, one.pixel_formats))]
        raise MediaError(f"{name} keeps no transparency", f"use one of {', '.join(able)}")
    return formats[0]
