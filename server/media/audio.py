"""Sound: decoding it in time with its video, cutting, joining, resampling. Encoding is the encoder's matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from .container import open_container, packets
from .errors import MediaError
from .samples import SampleStore, blocks_of, collected, silent
from .types import Audio

if TYPE_CHECKING:
    from .types import Array

LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""What so many channels are taken to be, where sound is mixed and written."""

PACKED = "flt"
"""FFmpeg's name of the samples that it is given and gives: one moment after the other, all channels of each. With a
plane for each channel PyAV 18 reads beyond the last of exactly eight."""

# More than six hours of stereo at 48 kHz; what is long is on disk.
MAX_AUDIO_BYTES = 8 * 2**30
MAX_LEAD_BYTES = 2**30
# FFmpeg's libopus encoder mistakes the order of 5 and 7 channels: given these, the file has them in order.
_ORDERS = {("libopus", 5): (0, 1, 4, 2, 3), ("libopus", 7): (0, 1, 4, 3, 5, 2, 6)}


def read_audio(
    path: str | Path,
    *,
    start_s: Fraction | float = 0,
    duration_s: Fraction | float | None = None,
    origin_s: Fraction | None = None,
) -> Audio | None:
    """Decode the first audio stream, cut to a span of time; None when the file has no sound.

    Args:
        path: A local file.
        start_s: Where to start, in seconds after the origin.
        duration_s: How much to return; to the end when absent. Silence fills what the stream lacks at its start.
        origin_s: The time on the file's own clock that counts as 0, usually the first video frame's; the first
            sample's when absent.

    Raises:
        MediaError: The file is broken, or the sound takes more than ``MAX_AUDIO_BYTES``.
    """
    with open_container(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        context: Any = stream.codec_context
        if context is None:
            raise MediaError(
                f"{Path(path).name} has sound in a codec that is not known here", "convert it to AAC or WAV"
            )
        rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
        if channels not in LAYOUTS or rate <= 0:
            raise MediaError(f"{Path(path).name} has {channels} audio channels at {rate} Hz", "convert it to stereo")
        start = Fraction(start_s)
        end = None if duration_s is None else start + Fraction(duration_s)
        if origin_s is not None and start > 1 and stream.time_base:
            # A second early, because coders need some sound before they are in step.
            container.seek(int((origin_s + start - 1) / stream.time_base), stream=stream)
        frames = (frame for packet in packets(container, stream) for frame in stream.decode(packet))
        samples, drop = _decode(frames, rate, channels, origin_s=origin_s, start=start, end=end)
    samples = samples[:, drop:]
    if end is not None:
        samples = samples[:, : round((end - start) * rate)]
    return Audio(samples, rate)


def _decode(
    frames: Iterable[Any], rate: int, channels: int, *, origin_s: Fraction | None, start: Fraction, end: Fraction | None
) -> tuple[Array, int]:
    """Decode up to time ``end``; return samples (channels, n), and how many of them come before ``start``."""
    resampler, kind = None, None
    origin, drop = origin_s, None
    with SampleStore(channels) as store:
        for frame in frames:
            clock_s = Fraction(0) if frame.pts is None else frame.pts * frame.time_base
            origin = clock_s if origin is None else origin
            time_s = clock_s - origin
            if drop is None:
                drop = max(0, round((start - time_s) * rate))
                # Sound that starts after the end of the span is silence, however late a damaged file says it comes.
                first_s = time_s if end is None else min(time_s, end)
                _lead_in(store, round((first_s - start) * rate), channels)
            if end is not None and time_s > end:
                break
            # Broadcasts change their channels midway, and a resampler takes only what it was begun with.
            if resampler is None or kind != (frame.format.name, frame.layout.name, frame.sample_rate):
                kind = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = av.AudioResampler(format=PACKED, rate=rate)
            for converted in resampler.resample(frame):
                store.add(mix_channels(unpacked(converted), channels))
            if store.size_bytes > MAX_AUDIO_BYTES:
                raise MediaError("the sound is too long", "load a shorter part with start and duration")
        return store.samples(), drop or 0


def _lead_in(store: SampleStore, count: int, channels: int) -> None:
    """Put silence before sound that starts after the span does."""
    if count * channels * 4 > MAX_LEAD_BYTES:
        raise MediaError("the sound starts too late to be led by silence", "load a shorter part of it")
    store.add_silence(count)


def silence(duration_s: Fraction | float, sample_rate: int = 48000, channels: int = 2) -> Audio:
    """Return silence of a given length in seconds."""
    return Audio(silent(channels, round(Fraction(duration_s) * sample_rate)), sample_rate)


def slice_audio(audio: Audio, start_s: Fraction, duration_s: Fraction) -> Audio:
    """Return the part that starts at ``start_s`` and lasts ``duration_s``; silence fills what the sound lacks."""
    start = round(start_s * audio.sample_rate)
    return fit_audio(Audio(audio.samples[:, start:], audio.sample_rate), duration_s)


def fit_audio(audio: Audio, duration_s: Fraction) -> Audio:
    """Cut sound, or fill it with silence, to exactly ``duration_s`` seconds."""
    wanted = round(duration_s * audio.sample_rate)
    missing = wanted - audio.samples.shape[1]
    if missing > 0:
        return join_audio([audio, Audio(silent(audio.channels, missing), audio.sample_rate)])
    return Audio(audio.samples[:, :wanted], audio.sample_rate)


def resample_audio(audio: Audio, sample_rate: int, channels: int) -> Audio:
    """Return sound at another rate and with another number of channels (1 to 8), mixed up or down.

    Raises:
        MediaError: The number of channels is not 1 to 8.
    """
    check_channels(audio.channels, channels)
    if (audio.sample_rate, audio.channels) == (sample_rate, channels):
        return audio
    mixed = (mix_channels(block, channels) for block in blocks_of(audio.samples))
    if audio.sample_rate == sample_rate:
        return Audio(collected(mixed, channels), sample_rate)
    resampler = av.AudioResampler(format=PACKED, layout=LAYOUTS[channels], rate=sample_rate)
    frames = chain(_frames(mixed, audio.sample_rate), (None,))
    blocks = (unpacked(converted) for frame in frames for converted in resampler.resample(frame))
    return fit_audio(Audio(collected(blocks, channels), sample_rate), audio.duration_s)


def mix_channels(samples: Array, channels: int) -> Array:
    """Return samples (channels, n) mixed up or down to another number of channels; those that have it are themselves.

    Nothing gets louder than it was: mono is as loud on both sides of stereo, and the sides' mean is mono. Other mixes
    are FFmpeg's, so much softer that they cannot clip.
    """
    return samples if samples.shape[0] == channels else _mix_matrix(samples.shape[0], channels) @ samples


@cache
def _mix_matrix(channels: int, mixed: int) -> Array:
    """Return how much of each of ``channels`` is in each of ``mixed``: float32 shaped (mixed, channels)."""
    check_channels(channels, mixed)
    mixer = av.AudioResampler(format=PACKED, layout=LAYOUTS[mixed], rate=48000)
    single = audio_frame(np.eye(channels, dtype=np.float32), 48000)
    parts = np.concatenate([unpacked(frame) for given in (single, None) for frame in mixer.resample(given)], axis=1)
    return parts / np.abs(parts).sum(axis=1).max()


def check_channels(*counts: int) -> None:
    """Refuse numbers of channels that FFmpeg cannot be given.

    Raises:
        MediaError: One is not 1 to 8.
    """
    for count in counts:
        if count not in LAYOUTS:
            raise MediaError(f"sound with {count} channels has no known layout", "use 1 to 8 channels")


def frames_of(audio: Audio, *, encoder: str = "") -> Iterator[av.AudioFrame]:
    """Yield sound as frames for FFmpeg, one block after the other, as an encoder wants them."""
    yield from _frames((as_encoded(block, encoder) for block in blocks_of(audio.samples)), audio.sample_rate)


def as_encoded(samples: Array, encoder: str) -> Array:
    """Return samples (channels, n) in the order in which an encoder has to be given them."""
    order = _ORDERS.get((encoder, samples.shape[0]))
    return samples if order is None else samples[list(order)]


def _frames(blocks: Iterable[Array], sample_rate: int) -> Iterator[av.AudioFrame]:
    position = 0
    for block in blocks:
        yield audio_frame(block, sample_rate, position)
        position += block.shape[1]


def audio_frame(samples: Array, sample_rate: int, position: int = 0) -> av.AudioFrame:
    """Wrap float32 samples (channels, n) as FFmpeg's frame that starts at sample number ``position``.

    Raises:
        MediaError: The number of channels is not 1 to 8.
    """
    check_channels(samples.shape[0])
    packed = np.ascontiguousarray(samples.T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format=PACKED, layout=LAYOUTS[samples.shape[0]])
    frame.sample_rate, frame.pts, frame.time_base = sample_rate, position, Fraction(1, sample_rate)
    return frame


def unpacked(frame: av.AudioFrame) -> Array:
    """Return the samples of a frame in the format ``PACKED``, as float32 shaped (channels, n)."""
    return frame.to_ndarray().reshape(-1, frame.layout.nb_channels).T


def join_audio(parts: list[Audio]) -> Audio:
    """Join sounds of one rate and one number of channels end to end."""
    blocks = (block for part in parts for block in blocks_of(part.samples))
    return Audio(collected(blocks, parts[0].channels), parts[0].sample_rate)


def reverse_audio(audio: Audio) -> Audio:
    """Return sound that runs backwards."""
    return Audio(collected(blocks_of(audio.samples, backwards=True), audio.channels), audio.sample_rate)
