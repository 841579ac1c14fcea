"""Sound into files of its own: WAV and FLAC, which lose nothing, and MP3, M4A and Opus for everyday use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from .audio import LAYOUTS, frames_of, resample_audio
from .embed import WORKFLOW, comment_of
from .errors import MediaError
from .files import explain_os_error, write_whole
from .types import Audio

_BITS_PER_CHANNEL = 128_000


@dataclass(frozen=True, slots=True)
class _Coder:
    """Say how one kind of file is written; ``rates`` are the sample rates that it can have, any when empty."""

    encoder: str
    sample_format: str
    channels: int = 8
    rates: tuple[int, ...] = ()


_CODERS = {
    ".wav": _Coder("pcm_f32le", "flt"),
    ".flac": _Coder("flac", "s32"),
    ".mp3": _Coder("libmp3lame", "fltp", 2, (48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)),
    ".m4a": _Coder("aac", "fltp", 8, (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000)),
    ".opus": _Coder("libopus", "flt", 8, (48000,)),
}
SUFFIXES = tuple(_CODERS)


def write_audio(path: str | Path, audio: Audio, *, metadata: dict[str, str] | None = None) -> None:
    """Write sound, whole or not at all: WAV of 32-bit floats, FLAC of 24 bits, or at 128 kbit/s a channel the others.

    Args:
        path: The file to write; its suffix chooses.
        audio: What to write. Sound of a rate or of channels that the file cannot have is converted.
        metadata: Tags to embed. WAV has no place for the workflow but its comment.

    Raises:
        MediaError: The suffix is another, the sound is empty, or the disk is full.
    """
    target = Path(path).absolute()
    suffix = target.suffix.lower()
    coder = _CODERS.get(suffix)
    if coder is None or not audio.samples.shape[1] or audio.channels not in LAYOUTS:
        raise MediaError(
            f"{target.name} cannot hold this sound", f"name it {', '.join(SUFFIXES)}, and give it 1 to 8 channels"
        )
    rate = audio.sample_rate if not coder.rates or audio.sample_rate in coder.rates else 48000
    fitting = resample_audio(audio, rate, min(audio.channels, coder.channels))
    with write_whole(target) as temporary:
        try:
            _write(temporary, fitting, coder, suffix, metadata or {})
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise explain_os_error(error, target) from error
            raise MediaError(f"the encoder failed on {target.name} ({error})", "write it as .wav") from error


def _write(path: Path, audio: Audio, coder: _Coder, suffix: str, metadata: dict[str, str]) -> None:
    tags = dict(metadata)
    if suffix == ".wav" and WORKFLOW in tags:
        tags["comment"] = comment_of(tags.pop(WORKFLOW))
    # MP4 drops every key that it does not know, and says nothing; and it counts its length in milliseconds otherwise,
    # which leaves nothing of a few samples.
    tagged = {"movflags": "faststart+use_metadata_tags", "movie_timescale": str(audio.sample_rate)}
    options = tagged if suffix == ".m4a" else {}
    with av.open(str(path), "w", format="ipod" if suffix == ".m4a" else None, options=options) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream(coder.encoder, rate=audio.sample_rate)
        stream.layout, stream.format = LAYOUTS[audio.channels], coder.sample_format
        if suffix not in {".wav", ".flac"}:
            stream.bit_rate = _BITS_PER_CHANNEL * audio.channels
        for frame in frames_of(audio, encoder=coder.encoder):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
