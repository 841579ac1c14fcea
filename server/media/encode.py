"""Writing a clip to a video file: right colours, sound in step, metadata kept, and a whole file or none."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from .alpha import check_alpha, opacities
from .audio import LAYOUTS, as_encoded, audio_frame, resample_audio
from .chapters import cut_chapters, write_chapters
from .codecs import (
    Codec,
    check_limits,
    choose_codec,
    choose_options,
    choose_pixel_format,
    hardware_options,
    options_for_size,
)
from .colors import PixelConverter, codes_from_tags, convert_dtype
from .errors import MediaError
from .files import explain_os_error, write_whole
from .hardware import PIXEL_FORMATS, why_unusable
from .probe import MAX_FPS, MediaInfo, probe, sound_end
from .samples import let_go_of_pages
from .scheduling import ordinary_threads
from .types import Audio, Clip, ColorTags

if TYPE_CHECKING:
    from av.container import OutputContainer

    from .types import Array

_log = logging.getLogger(__name__)
# Without use_metadata_tags MP4 drops every key that it does not know, the workflow first of all, and says nothing.
_MP4_OPTIONS = {"movflags": "faststart+use_metadata_tags"}
_AUDIO_BITS_PER_CHANNEL = 128_000
# A clip of no more frames gets decoding times from x265 that are made of memory nobody set: it takes the delay of its
# reordering from the time of the frame after these, which never comes (x265 4.2, Encoder::encode, m_bframeDelayTime).
_X265_DELAY = 2
# MKV and WebM count in milliseconds.
_CLOCK_S = Fraction(2, 1000)
# Samples that are read before memory which long sound has come to take is given back.
_SOUND_PAGES = 2**20

ProgressCallback = Callable[[int, "int | None"], None]


def write_video(
    path: str | Path,
    clip: Clip,
    *,
    codec: str = "h264",
    crf: int | None = None,
    preset: str | None = None,
    pixel_format: str | None = None,
    alpha: Clip | None = None,
    on_card: Callable[[str], None] | None = None,
    metadata: dict[str, str] | None = None,
    progress: ProgressCallback | None = None,
) -> MediaInfo:
    """Encode a clip with its sound, pulling it through once; the file appears whole under its name, or not at all.

    The pixels are stored with the matrix of ``clip.color`` (BT.709 limited range by default) and tagged so. The sound
    is cut, or filled with silence, to the length of the frames. Chapters are kept.

    Args:
        path: The file to write or replace; its suffix chooses the container.
        clip: What to write.
        codec: A key of ``codecs.CODECS``: h264, h265, av1, vp9, prores or ffv1 (lossless).
        crf: Quality, lower is better; the codec's default when absent.
        preset: Speed, as one of ``codecs.SPEEDS`` or in the codec's own words; its default when absent.
        pixel_format: How to store pixels; yuv420p for most codecs, and what loses nothing for ffv1.
        alpha: A gray clip of the same size and rate, white where ``clip`` is opaque; for vp9, prores and ffv1.
        on_card: Asks for an NVIDIA graphics card to encode. Where that does not work the software does it, and this is
            called with a sentence that says so.
        metadata: Tags to embed. The key ``workflow`` is what ``MediaInfo.workflow`` reads back.
        progress: Called after each block with the frames done and the frame count or None; raising in it cancels.

    Returns:
        What the finished file is, read back from it.

    Raises:
        MediaError: The size, codec, suffix or an option does not fit, the clip is empty, or the disk is full.
    """
    target = Path(path).absolute()
    chosen = choose_codec(codec, target)
    pixels = choose_pixel_format(codec, pixel_format, clip, alpha=alpha is not None)
    options = choose_options(codec, crf, preset, pixels) | options_for_size(codec, clip.width, clip.height)
    check_alpha(clip, alpha)
    _check_rate(clip, target)
    plan = _Encoding(chosen, chosen.encoder, pixels, pixels, options)
    if on_card is not None:
        plan = _on_card(codec, plan, clip, crf, on_card)
    if plan.encoder == chosen.encoder:
        check_limits(codec, clip)
    with write_whole(target) as temporary:
        try:
            with _Writer(temporary, clip, plan, metadata or {}) as writer:
                written = writer.write(clip, alpha, progress)
            info = _read_back(temporary, target, written, has_sound=clip.audio is not None)
        except av.FFmpegError as error:
            raise _explain(error, target) from error
    return replace(info, path=target)


@dataclass(frozen=True, slots=True)
class _Encoding:
    """How frames are encoded: ``stored`` is the pixel format in the file, ``taken`` that of the encoder's input."""

    codec: Codec
    encoder: str
    stored: str
    taken: str
    options: dict[str, str]

    @property
    def dtype(self) -> str:
        return "uint16" if av.VideoFormat(self.stored).components[0].bits > 8 else "uint8"


def _on_card(name: str, plan: _Encoding, clip: Clip, crf: int | None, notify: Callable[[str], None]) -> _Encoding:
    encoder = plan.codec.hardware
    if encoder is None:
        notify(f"no graphics card encodes {name}, so it is encoded in software")
        return plan
    options = hardware_options(name, crf)
    reason = why_unusable(encoder, plan.stored, clip.width, clip.height, options)
    if reason is not None:
        notify(f"NVENC cannot be used here ({reason}), so {name} is encoded in software")
        return plan
    return replace(plan, encoder=encoder, taken=PIXEL_FORMATS[plan.stored], options=options)


@dataclass(slots=True)
class _Writer:
    """One open output file: a context manager that finishes the file, or closes it after an error."""

    path: Path
    clip: Clip
    plan: _Encoding
    metadata: dict[str, str]
    container: OutputContainer = field(init=False)
    video: Any = field(init=False)
    sound: _SoundTrack | None = field(init=False, default=None)
    converter: PixelConverter = field(init=False)

    def __enter__(self) -> _Writer:
        mp4 = self.path.suffix.lower() in {".mp4", ".mov", ".m4v"}
        self.container = av.open(str(self.path), "w", options=_MP4_OPTIONS if mp4 else {})
        self.container.metadata.update(self.metadata)
        self.video = self._add_video()
        if self.clip.audio is not None:
            self.sound = _SoundTrack.add(self.container, self.clip.audio, self.plan.codec)
        write_chapters(self.container, cut_chapters(self.clip.chapters, Fraction(0), self.clip.duration_s))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is None:
            self.container.close()
            return
        try:
            self.container.close()
        except (av.FFmpegError, OSError, ValueError) as second:
            # The first error is the one to tell; the half file is removed by our caller.
            _log.debug("closing %s after an error failed too: %s", self.path.name, second)

    def _add_video(self) -> Any:
        clip, plan = self.clip, self.plan
        if plan.encoder == "libsvtav1":
            # It would tell its whole configuration on standard error; 1 is errors alone.
            os.environ.setdefault("SVT_LOG", "1")
        stream: Any = self.container.add_stream(plan.encoder, rate=clip.fps, options=plan.options)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, plan.taken
        context = stream.codec_context
        context.time_base = 1 / clip.fps
        tags = _stored_tags(clip.color, plan.stored)
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = codes_from_tags(tags)
        if plan.codec.container_tag and self.path.suffix.lower() != ".mkv":
            context.codec_tag = plan.codec.container_tag
        self.converter = PixelConverter(tags, siting=plan.codec.siting)
        if plan.encoder == "libsvtav1":
            with ordinary_threads():
                context.open()
        return stream

    def write(self, clip: Clip, alpha: Clip | None, progress: ProgressCallback | None) -> int:
        """Encode every frame, keeping the sound in step, and return how many frames there were."""
        dtype = self.plan.dtype
        done = 0
        with closing(clip.chunks()) as blocks, closing(opacities(alpha, dtype)) as opaque:
            for block in blocks:
                for pixels in convert_dtype(block, dtype):
                    self._write_frame(pixels, next(opaque), done)
                    done += 1
                self._write_sound(done / clip.fps)
                if progress is not None:
                    progress(done, clip.frame_count)
        if done == 0:
            raise MediaError("the clip has no frames, so there is nothing to write", "check the steps before this one")
        last = self.video.encode(None)
        if self.plan.encoder == "libx265" and done <= _X265_DELAY:
            for packet in last:
                packet.dts = packet.pts  # so few frames are in order
        self.container.mux(last)
        if self.sound is not None:
            self.container.mux(self.sound.stream.encode(None))
        return done

    def _write_frame(self, pixels: Array, opacity: Array | None, index: int) -> None:
        frame = self.converter.from_rgb(pixels, self.plan.taken, opacity)
        frame.pts, frame.time_base = index, 1 / self.clip.fps
        self.container.mux(self.video.encode(frame))

    def _write_sound(self, until_s: Fraction) -> None:
        if self.sound is not None:
            self.container.mux(self.sound.encode_until(until_s))


@dataclass(slots=True)
class _SoundTrack:
    """The sound on its way into a file, encoded in step with the frames."""

    audio: Audio
    stream: Any
    position: int = 0

    @classmethod
    def add(cls, container: OutputContainer, audio: Audio, codec: Codec) -> _SoundTrack:
        if audio.channels not in LAYOUTS:
            raise MediaError(f"sound with {audio.channels} channels cannot be stored", "mix it down to stereo")
        if codec.audio_rates and audio.sample_rate not in codec.audio_rates:
            audio = resample_audio(audio, 48000, audio.channels)
        stream: Any = container.add_stream(codec.audio_encoder, rate=audio.sample_rate)
        stream.layout = LAYOUTS[audio.channels]
        stream.time_base = Fraction(1, audio.sample_rate)
        stream.bit_rate = _AUDIO_BITS_PER_CHANNEL * audio.channels
        return cls(audio, stream)

    def encode_until(self, until_s: Fraction) -> list[av.Packet]:
        """Return the packets of the sound up to a time, with silence where the sound has ended."""
        end = round(until_s * self.audio.sample_rate)
        part = self.audio.samples[:, self.position : end]
        missing = end - self.position - part.shape[1]
        if missing > 0:
            part = np.pad(part, ((0, 0), (0, missing)))
        if not part.shape[1]:
            return []
        part = as_encoded(part, self.stream.codec_context.codec.name)
        frame = audio_frame(part, self.audio.sample_rate, self.position)
        if self.position // _SOUND_PAGES != end // _SOUND_PAGES:
            let_go_of_pages(self.audio.samples)
        self.position = end
        return self.stream.encode(frame)


def _stored_tags(tags: ColorTags, pixel_format: str) -> ColorTags:
    if pixel_format.startswith(("bgr", "gbr", "rgb")):
        return replace(tags, matrix="gbr", full_range=True)
    return replace(tags, matrix="bt709", full_range=False) if tags.matrix == "gbr" else tags


def _check_rate(clip: Clip, target: Path) -> None:
    """Refuse a rate at which the finished file could not be read back, before it is made."""
    if clip.fps > MAX_FPS:
        raise MediaError(
            f"{target.name} cannot have {float(clip.fps):g} frames a second, above the limit of {MAX_FPS}",
            f"change the rate to {MAX_FPS} or less",
        )


def _read_back(temporary: Path, target: Path, written: int, *, has_sound: bool) -> MediaInfo:
    """Do as ``_verify`` does, and call the file by its own name in an error: the temporary one says nothing."""
    try:
        return _verify(temporary, written, has_sound=has_sound)
    except MediaError as error:
        raise MediaError(error.message.replace(temporary.name, target.name), error.hint) from error


def _verify(path: Path, written: int, *, has_sound: bool) -> MediaInfo:
    """Read the finished file back, because FFmpeg does not tell when its very last write fails.

    Sound and frames must end together: within a frame, or within a block of the sound's coder, which is filled up with
    silence in files that cannot say where in its last block sound ends.
    """
    info = probe(path)
    if info.video is None or info.video.frame_count != written:
        found = 0 if info.video is None else info.video.frame_count
        raise MediaError(f"{written} frames were written but {found} can be read back", "check the disk and try again")
    if has_sound:
        end_s, block_s = sound_end(path)
        apart_s = abs(end_s - info.video.start_s - info.video.duration_s)
        if apart_s > max(1 / info.video.fps, block_s) + _CLOCK_S:
            raise MediaError(
                f"sound and frames of {path.name} end {float(apart_s):.3f} s apart",
                "check the disk and try again, or choose another container; please report it",
            )
    return info


def _explain(error: av.FFmpegError, path: Path) -> MediaError:
    if isinstance(error, OSError):
        return explain_os_error(error, path)
    return MediaError(f"the encoder failed on {path.name} ({error})", "try another codec, preset or pixel format")
