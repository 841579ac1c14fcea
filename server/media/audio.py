"""Sound: decoding it in time with its video, cutting, joining, resampling. Encoding is the encoder's matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import chain, dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np

from .container import open_container, packets
from .errors import MediaError
from .samples import SampleStore, blocks_of, collected, silent
from .types import Audio

if TYPE_CHECKING:
    from av.container import InputContainer

    from .types import Array

LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""What so many channels are taken to be, where sound is mixed and written."""

PACKED = "flt"
"""FFmpeg's name of the samples that it is given and gives: one moment after the other, all channels of each. With a
plane for each channel PyAV 18 reads beyond the last of exactly eight."""

# More than six hours of stereo at 48 kHz; what is long is on disk.
MAX_AUDIO_BYTES = 8 * 2**30
MAX_LEAD_BYTES = 2**30
# Times that are off by less are a coarse or trembling clock, and no gap: FLV and MKV count in milliseconds, and what
# browsers record trembles more. So much beside the picture nobody notices.
_CLOCK_S = Fraction(1, 25)
# A clock that goes back by more was started anew, as where recordings are joined; what it times is no repetition.
_RESTART_S = 10
# Packets that a decoder may refuse before the first that it takes: half a second of MP2, of which ten have been seen.
_MAX_SKIPPED = 24
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
        duration_s: How much to return; to the end when absent. Silence fills what the stream lacks at its start
            and in its gaps.
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
        frames = decode_sound(container, stream)
        if origin_s is not None and start > 1 and stream.time_base:
            # A second early, because coders need some sound before they are in step.
            container.seek(int((origin_s + start - 1) / stream.time_base), stream=stream)
            frames = dropwhile(lambda frame: frame.pts is None, frames)
        with SampleStore(channels) as store:
            track = _Track(store, rate, channels, origin_s, start, end)
            for frame in frames:
                if not track.add(frame):
                    break
            track.flush()
            samples = store.samples()
    if end is not None:
        samples = samples[:, : round((end - start) * rate)]
    return Audio(samples, rate)


def decode_sound(container: InputContainer, stream: Any) -> Iterator[av.AudioFrame]:
    """Yield a stream's frames, passing over the torn packets that come first after a seek, or where a capture begins.

    Raises:
        InvalidDataError: A packet after those is damaged, or none can be decoded.
    """
    begun = False
    refused: list[av.error.InvalidDataError] = []
    for packet in packets(container, stream):
        try:
            frames = stream.decode(packet)
        except av.error.InvalidDataError as error:
            refused.append(error)
            if begun or len(refused) > _MAX_SKIPPED:
                raise
            continue
        # What comes next after a torn packet often has that one's time.
        if begun or not refused:
            yield from frames
        begun = begun or bool(frames)
    if refused and not begun:
        raise refused[0]


@dataclass(slots=True)
class _Track:
    """Sound on its way from a decoder into a span of time, each piece where the file says that it belongs.

    Silence fills gaps, and of what comes twice the second is left out.

    Attributes:
        store: What is in the span goes there.
        rate: Of the samples in the store.
        channels: Of the samples in the store.
        origin_s: The time on the file's clock that counts as 0; the first sample's when absent.
        start: Where the span starts, after the origin.
        end: Where it ends, or None.
    """

    store: SampleStore
    rate: int
    channels: int
    origin_s: Fraction | None
    start: Fraction
    end: Fraction | None
    _place: int | None = None  # of the next sample, counted from the start of the span
    _repeated: int = 0  # samples still to be left out
    _kind: tuple[str, str, int] | None = None
    _resampler: av.AudioResampler | None = None

    def add(self, frame: av.AudioFrame) -> bool:
        """Take a frame; return whether the span goes on after it.

        Raises:
            MediaError: The sound is too long, or starts too late.
        """
        if not self._find_place(frame):
            return False
        # Broadcasts change their channels midway, and a resampler takes only what it was begun with.
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or kind != self._kind:
            self.flush()
            self._kind, self._resampler = kind, av.AudioResampler(format=PACKED, rate=self.rate)
        for converted in self._resampler.resample(frame):
            self._put(unpacked(converted))
        if self.store.size_bytes > MAX_AUDIO_BYTES:
            raise MediaError("the sound is too long", "load a shorter part with start and duration")
        return True

    def flush(self) -> None:
        """Take what the resampler holds back."""
        if self._resampler is not None and self._kind is not None and self._kind[2] != self.rate:
            for converted in self._resampler.resample(None):
                self._put(unpacked(converted))
        self._resampler = None

    def _find_place(self, frame: av.AudioFrame) -> bool:
        """Go to the place of a frame, through silence where there is a gap; return whether it is in the span."""
        if frame.pts is None and self._place is not None:
            return True
        clock_s = Fraction(0) if frame.pts is None else frame.pts * (frame.time_base or Fraction(0))
        self.origin_s = clock_s if self.origin_s is None else self.origin_s
        time_s = clock_s - self.origin_s
        if self._place is None:
            self._lead_in(time_s if self.end is None else min(time_s, self.end))
        else:
            time_s -= self._follow(time_s)
        return self.end is None or time_s <= self.end

    def _lead_in(self, time_s: Fraction) -> None:
        """Begin at the time of the first sample, with silence before it when that is after the start of the span."""
        wanted = round((time_s - self.start) * self.rate)
        # Sound that starts after the end of the span is silence, however late a damaged file says it comes.
        if wanted * self.channels * 4 > MAX_LEAD_BYTES:
            raise MediaError("the sound starts too late to be led by silence", "load a shorter part of it")
        self._place = min(0, wanted)
        self._put_silence(wanted)

    def _follow(self, time_s: Fraction) -> Fraction:
        """Fill or leave out what is between the last sample and ``time_s``; return how far the clock was wrong."""
        place = self._place or 0
        due_s = self.start + Fraction(place, self.rate)
        until_s = time_s if self.end is None else min(time_s, self.end)
        gap = round((until_s - due_s) * self.rate)
        self._repeated = 0
        if time_s < due_s - _RESTART_S or gap * self.channels * 4 > MAX_LEAD_BYTES:
            self.origin_s = (self.origin_s or 0) + time_s - due_s
            return time_s - due_s
        if abs(time_s - due_s) > _CLOCK_S:
            self.flush()
            self._repeated = max(0, -gap)
            self._put_silence(gap)
        return Fraction(0)

    def _put_silence(self, count: int) -> None:
        if count > 0:
            self._put(silent(self.channels, count))

    def _put(self, samples: Array) -> None:
        """Store what is in the span and was not there before, in the channels that the sound began with."""
        left_out = min(self._repeated, samples.shape[1])
        self._repeated -= left_out
        samples = samples[:, left_out:]
        place = self._place or 0
        self._place = place + samples.shape[1]
        for block in blocks_of(samples[:, max(0, -place) :]):
            self.store.add(mix_channels(block, self.channels))


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
