"""How values live in the disk cache: one codec for each kind of wire. The libraries do the work."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from nodes import Audio, Clip, Conditioning, Image, Latent, Mask

if TYPE_CHECKING:
    from server.kit.values import Recorder
    from server.media.types import Block, Producer


class ConditioningCodec:
    """Conditioning, as safetensors and JSON."""

    version = 1

    def write(self, value: object, folder: Path) -> None:
        """Write the tensors and what is said about them."""
        from server.diffusion import store

        store.write_conditioning(cast("Conditioning", value), folder)

    def read(self, folder: Path) -> Conditioning:
        """Read conditioning back; raises ValueError when it is not whole."""
        from server.diffusion import store

        try:
            return store.read_conditioning(folder)
        except store.StoreError as error:
            raise ValueError(str(error)) from error


class LatentCodec:
    """Latents, as safetensors and JSON."""

    version = 1

    def write(self, value: object, folder: Path) -> None:
        """Write the tensors and what is said about them."""
        from server.diffusion import store

        store.write_latent(cast("Latent", value), folder)

    def read(self, folder: Path) -> Latent:
        """Read a latent back; raises ValueError when it is not whole."""
        from server.diffusion import store

        try:
            return store.read_latent(folder)
        except store.StoreError as error:
            raise ValueError(str(error)) from error


class ClipCodec:
    """Clips, stored bit for bit while they pass."""

    version = 2

    def write(self, value: object, folder: Path) -> None:
        """Pull the clip through once and write it."""
        from server.media import spool

        spool.write(cast("Clip", value), folder)

    def read(self, folder: Path) -> Clip:
        """Open a stored clip; raises ValueError when it is not whole."""
        from server.media import spool
        from server.media.errors import MediaError

        try:
            return spool.read(folder)
        except MediaError as error:
            raise ValueError(str(error)) from error

    def record(self, value: object, folder: Path) -> Recorder:
        """Begin to store a clip block by block, while it passes."""
        from server.media.recording import Recording

        recording = Recording(cast("Clip", value), folder)
        recording.start()
        return cast("Recorder", recording)

    def pieces(self, value: object) -> Iterator[object]:
        """Start one pass over the clip's blocks."""
        return cast("Clip", value).blocks()

    def with_pieces(self, value: object, start: Callable[[], Iterator[object]]) -> Clip:
        """Return the clip with its blocks coming from `start`."""
        return cast("Clip", value).derive(cast("Producer", start))

    def stored_bytes(self, value: object) -> int | None:
        """Return the most that all frames and the sound take."""
        clip = cast("Clip", value)
        sound = 0 if clip.audio is None else int(clip.audio.samples.nbytes)
        return None if clip.frame_count is None else clip.frame_count * clip.frame_bytes + sound

    def piece_bytes(self, piece: object) -> int:
        """Return the most that a block's frames take."""
        block = cast("Block", piece)
        return math.prod(block.shape) * block.dtype.itemsize

    def preview(self, piece: object) -> tuple[bytes, str] | None:
        """Return the first frame of a block as a small JPEG."""
        from server.media.preview import encode_preview
        from server.media.types import as_pixels, part_of

        return encode_preview(as_pixels(part_of(cast("Block", piece), 0, 1))[0]), "image/jpeg"


class ImageCodec:
    """Pictures, as an array file."""

    version = 1

    def write(self, value: object, folder: Path) -> None:
        """Write the pixels."""
        _write_array(cast("Image", value).pixels, folder / "pixels.npy")

    def read(self, folder: Path) -> Image:
        """Read a picture back."""
        return Image(_read_array(folder / "pixels.npy"))


class MaskCodec:
    """Masks, as an array file."""

    version = 1

    def write(self, value: object, folder: Path) -> None:
        """Write the values."""
        _write_array(cast("Mask", value).values, folder / "values.npy")

    def read(self, folder: Path) -> Mask:
        """Read a mask back."""
        return Mask(_read_array(folder / "values.npy"))


class AudioCodec:
    """Sound, as an array file and its rate."""

    version = 1

    def write(self, value: object, folder: Path) -> None:
        """Write samples and rate."""
        from server.media.samples import write_array

        audio = cast("Audio", value)
        with (folder / "samples.npy").open("wb", buffering=0) as stream:
            write_array(stream, audio.samples)
        (folder / "rate.txt").write_text(str(audio.sample_rate), encoding="ascii")

    def read(self, folder: Path) -> Audio:
        """Read sound back; long sound is mapped, and its pages come as it is read."""
        from server.media.samples import IN_MEMORY_BYTES

        path = folder / "samples.npy"
        mode = "c" if path.stat().st_size > IN_MEMORY_BYTES else None
        return Audio(_read_array(path, mode), int((folder / "rate.txt").read_text(encoding="ascii")))


def _write_array(array: Any, path: Path) -> None:
    import numpy as np

    np.save(path, array, allow_pickle=False)


def _read_array(path: Path, mode: Literal["c"] | None = None) -> Any:
    import numpy as np

    try:
        return np.load(path, mmap_mode=mode, allow_pickle=False)
    except EOFError as error:
        message = f"{path.name} is empty"
        raise ValueError(message) from error
