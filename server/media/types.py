"""What flows between media functions: clips, sound, pictures, masks, files. Plain data, and nothing heavy is imported.

Pixels are RGB, channel last. Integers use their whole range; floats lie in [0, 1]. Reading, writing and changing pixels
belong to the other files of this room.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, get_args, runtime_checkable

from .errors import MediaError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Dtype = Literal["uint8", "uint16", "float16", "float32"]
DTYPE_BYTES: dict[str, int] = {"uint8": 1, "uint16": 2, "float16": 2, "float32": 4}
# Large frames travel alone, so that nothing is copied into blocks; small ones in company, so that each costs little.
CHUNK_BYTES = 4 * 2**20
CHUNK_FRAMES = 16


@dataclass(frozen=True, slots=True)
class ColorTags:
    """Name the colour space of a clip with FFmpeg's words; the default is BT.709, limited range.

    ``primaries`` and ``transfer`` describe the RGB pixels. ``matrix`` and ``full_range`` say how YUV pixels are stored
    in a file; on a clip they are what an encoder shall use.
    """

    primaries: str = "bt709"
    transfer: str = "bt709"
    matrix: str = "bt709"
    full_range: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """Name a part of a clip, from ``start_s`` to ``end_s`` seconds after its first frame."""

    start_s: Fraction
    end_s: Fraction
    title: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Hold sound as float32 samples shaped (channels, samples), nominally in [-1, 1], at ``sample_rate`` Hz."""

    samples: Array
    sample_rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype.name != "float32":
            raise MediaError(
                f"sound must be float32 shaped (channels, samples), not {self.samples.dtype} {self.samples.shape}",
                "convert it with samples.astype('float32') and give mono sound one row",
            )
        if self.sample_rate <= 0:
            raise MediaError(f"a sample rate of {self.sample_rate} Hz is impossible", "use 48000")

    @property
    def channels(self) -> int:
        """The number of channels: 1 is mono, 2 is stereo."""
        return int(self.samples.shape[0])

    @property
    def duration_s(self) -> Fraction:
        """The exact length in seconds."""
        return Fraction(int(self.samples.shape[1]), self.sample_rate)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Hold one picture: pixels shaped (H, W, 3), RGB, uint8 or float32 in [0, 1]."""

    pixels: Array

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype.name
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype not in {"uint8", "float32"}:
            raise MediaError(
                f"a picture must be (height, width, 3) in uint8 or float32, not {shape} in {dtype}",
                "drop the alpha channel and convert the values first",
            )

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Hold one mask: values shaped (H, W), float32 in [0, 1], where 1 means selected."""

    values: Array

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or 0 in self.values.shape or self.values.dtype.name != "float32":
            raise MediaError(
                f"a mask must be (height, width) in float32, not {self.values.shape} in {self.values.dtype}",
                "take one channel and convert it with astype('float32')",
            )

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.values.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.values.shape[0])


@dataclass(frozen=True, slots=True)
class File:
    """Point to a finished file on disk: its path, media type, size and BLAKE2b digest in hex."""

    path: Path
    media_type: str
    size_bytes: int
    digest: str


@runtime_checkable
class Undeveloped(Protocol):
    """A block of frames that are not RGB yet, because nobody has asked for that; see ``yuv``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of ``pixels``: (N, H, W, 3)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of ``pixels``."""
        ...

    def part(self, start: int, end: int) -> Undeveloped:
        """Return the frames from ``start`` to before ``end``."""
        ...

    def pixels(self) -> Array:
        """Return the frames as an array."""
        ...


Block: TypeAlias = "Array | Undeveloped"
Producer = Callable[[], "Iterator[Block]"]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Describe a video whose frames are produced only when they are asked for.

    Attributes:
        producer: Starts the production and yields blocks shaped (N, height, width, 3) of ``dtype``. It is called anew
            for every pass, and a generator must release its files when it is closed early. A block may be
            ``Undeveloped``.
        width: Frame width in pixels.
        height: Frame height in pixels.
        fps: Frames a second, rational and above 0.
        frame_count: Number of frames, or None when only the end of the production will tell.
        dtype: ``uint8``, ``uint16``, ``float16`` or ``float32``; floats lie in [0, 1].
        color: The colour space of the pixels.
        audio: The sound that belongs to the clip, or None when it is silent.
        chapters: Named parts, which are kept when the clip is saved.
    """

    producer: Producer = field(repr=False)
    width: int
    height: int
    fps: Fraction
    frame_count: int | None = None
    dtype: Dtype = "uint8"
    color: ColorTags = ColorTags()
    audio: Audio | None = None
    chapters: tuple[Chapter, ...] = ()

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise MediaError(f"a clip of {self.width}x{self.height} has no pixels", "give it a size above 0")
        if isinstance(self.fps, float):
            raise MediaError(f"{self.fps} frames a second is not exact", "write it as a fraction, such as 24000/1001")
        object.__setattr__(self, "fps", Fraction(self.fps))
        if self.fps <= 0:
            raise MediaError(f"{self.fps} frames a second is impossible", "use a rate above 0, such as 24")
        if self.frame_count is not None and self.frame_count < 0:
            raise MediaError(f"a clip cannot have {self.frame_count} frames", "use a count of 0 or more")
        if self.dtype not in get_args(Dtype):
            raise MediaError(f"pixels of type {self.dtype} are unknown", f"use one of {', '.join(get_args(Dtype))}")

    @classmethod
    def from_array(
        cls, array: Array, fps: Fraction | int, *, color: ColorTags | None = None, audio: Audio | None = None
    ) -> Clip:
        """Wrap frames that are in memory already, without a copy.

        Args:
            array: Frames shaped (N, H, W, 3), RGB, in one of the four dtypes. It must not change afterwards.
            fps: Frames a second.
            color: Colour space; BT.709 limited when absent.
            audio: Sound that belongs to the frames.

        Raises:
            MediaError: The array has another shape or dtype.
        """
        if array.ndim != 4 or array.shape[3] != 3:
            raise MediaError(
                f"frames must be shaped (frames, height, width, 3), not {tuple(array.shape)}",
                "put the colour channels last and drop alpha",
            )
        count, height, width = (int(size) for size in array.shape[:3])
        step = frames_per_chunk(width, height, array.dtype.name)

        def produce() -> Iterator[Array]:
            for start in range(0, count, step):
                yield array[start : start + step]

        dtype: Any = array.dtype.name
        return cls(produce, width, height, Fraction(fps), count, dtype, color or ColorTags(), audio)

    @property
    def duration_s(self) -> Fraction | None:
        """The exact length in seconds, or None when the frame count is not known."""
        return None if self.frame_count is None else self.frame_count / self.fps

    @property
    def frame_bytes(self) -> int:
        """The size of one frame in memory."""
        return self.width * self.height * 3 * DTYPE_BYTES[self.dtype]

    @property
    def frames_per_chunk(self) -> int:
        """How many frames a block of this clip should hold, so that streams stay small."""
        return frames_per_chunk(self.width, self.height, self.dtype)

    def chunks(self) -> Generator[Array]:
        """Start the production and yield blocks shaped (N, H, W, 3), N >= 1, in order; blocks are not to be written to.

        Raises:
            MediaError: A block, or the number of frames in the end, is not what the clip declares.
        """
        with closing(self.blocks()) as blocks:
            for block in blocks:
                yield as_pixels(block)

    def blocks(self) -> Generator[Block]:
        """Do as ``chunks`` does, but leave frames that a decoder has not turned into RGB yet as they are.

        Raises:
            MediaError: Likewise.
        """
        total = 0
        with closing(_as_generator(self.producer)) as blocks:
            for block in blocks:
                if block.shape[0] == 0:
                    continue
                self._check_block(block)
                total += int(block.shape[0])
                yield block
        if self.frame_count is not None and total != self.frame_count:
            raise MediaError(
                f"the clip declares {self.frame_count} frames but {total} were produced",
                "the step that made this clip is at fault; run it again, or report it",
            )

    def frames(self) -> Generator[Array]:
        """Start the production and yield one frame at a time, shaped (H, W, 3)."""
        with closing(self.chunks()) as blocks:
            for block in blocks:
                yield from block

    def derive(self, producer: Producer, **changes: Any) -> Clip:
        """Return a clip with another producer that keeps this one's rate, colour, sound and size unless changed."""
        return replace(self, producer=producer, **changes)

    def _check_block(self, block: Block) -> None:
        wanted = (self.height, self.width, 3)
        if tuple(block.shape[1:]) != wanted or block.dtype.name != self.dtype:
            raise MediaError(
                f"the clip declares frames of {wanted} {self.dtype} but got {tuple(block.shape[1:])} {block.dtype}",
                "the step that made this clip is at fault; run it again, or report it",
            )


def as_pixels(block: Block) -> Array:
    """Return a block's pixels, shaped (N, H, W, 3)."""
    return block.pixels() if isinstance(block, Undeveloped) else block


def part_of(block: Block, start: int, end: int) -> Block:
    """Return the frames of a block from ``start`` to before ``end``, without a copy."""
    return block.part(start, end) if isinstance(block, Undeveloped) else block[start:end]


def frames_per_chunk(width: int, height: int, dtype: str) -> int:
    """Return how many frames of this size a block should hold: at least 1, at most ``CHUNK_FRAMES``."""
    frame_bytes = width * height * 3 * DTYPE_BYTES.get(dtype, 4)
    return max(1, min(CHUNK_FRAMES, CHUNK_BYTES // frame_bytes))


def _as_generator(producer: Producer) -> Any:
    """Start a producer so that it can be closed, also when it returned a plain iterator."""
    blocks = producer()
    if hasattr(blocks, "close"):
        return blocks
    return (block for block in blocks)
