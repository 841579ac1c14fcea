"""Every wire that can be kept on disk comes back as it was, and what is damaged is refused."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from nodes import Audio, Clip, Conditioning, Image, Latent, Mask
from nodes.clip import draw_test_pattern
from nodes.types import SOCKET_TYPES
from server.kit.values import Codec, StreamCodec

TYPES = {socket.name: socket for socket in SOCKET_TYPES}


def make_conditioning() -> Conditioning:
    return Conditioning(family="wan", text="a boat", tensors={"embeds": torch.rand(1, 2, 3)}, empty={})


def make_latent() -> Latent:
    samples = {"video": torch.rand(1, 2, 3, 4, 5)}
    return Latent(family="wan", samples=samples, noise_level=0.5, width=40, height=32, frames=3, fps=Fraction(8))


def make_clip() -> Clip:
    """Return a clip of several blocks, with sound and a rate that no decimal holds."""
    return draw_test_pattern(width=32, height=16, seconds=2.0, fps=24000 / 1001, tone_hz=440.0)


MAKERS: dict[str, Callable[[], object]] = {
    "Conditioning": make_conditioning,
    "Latent": make_latent,
    "Clip": make_clip,
    "Image": lambda: Image(np.random.default_rng(0).random((4, 5, 3), np.float32)),
    "Mask": lambda: Mask(np.random.default_rng(0).random((4, 5), np.float32)),
    "Audio": lambda: Audio(np.random.default_rng(0).random((2, 100), np.float32), 44100),
}


def content(value: object) -> tuple[object, ...]:
    """Return what a value holds, in a form that can be compared."""
    match value:
        case Conditioning():
            return (value.family, value.text, value.tensors["embeds"].numpy().tobytes())
        case Latent():
            facts = (value.family, value.noise_level, value.width, value.height, value.frames, value.fps)
            return (*facts, value.video.numpy().tobytes())
        case Clip():
            pixels = np.concatenate(list(value.chunks())).tobytes()
            assert value.audio is not None
            return (value.width, value.height, value.fps, value.color, pixels, value.audio.samples.tobytes())
        case Image():
            return (value.pixels.shape, value.pixels.tobytes())
        case Mask():
            return (value.values.shape, value.values.tobytes())
        case Audio():
            return (value.sample_rate, value.samples.shape, value.samples.tobytes())
        case _:
            raise AssertionError(value)


def codec_of(name: str) -> Codec:
    codec = TYPES[name].codec
    assert codec is not None
    return codec


def test_every_codec_is_tried_here() -> None:
    assert set(MAKERS) == {name for name, socket in TYPES.items() if socket.codec}


@pytest.mark.parametrize("name", MAKERS)
def test_a_value_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    value = MAKERS[name]()
    codec_of(name).write(value, tmp_path)
    back = codec_of(name).read(tmp_path)
    assert isinstance(back, TYPES[name].value_class)
    assert content(back) == content(value)


@pytest.mark.parametrize("name", MAKERS)
def test_a_value_without_one_of_its_files_is_refused(name: str, tmp_path: Path) -> None:
    codec_of(name).write(MAKERS[name](), tmp_path)
    for path in sorted(tmp_path.iterdir()):
        kept = path.read_bytes()
        path.unlink()
        # The blocks of a clip are opened as they are consumed; whether they are whole is the cache's to check.
        if name != "Clip" or path.name in {"meta.json", "audio.npy"}:
            with pytest.raises((OSError, ValueError)):
                codec_of(name).read(tmp_path)
        path.write_bytes(kept)


@pytest.mark.parametrize("name", ["Image", "Mask", "Audio"])
def test_an_empty_file_is_refused(name: str, tmp_path: Path) -> None:
    codec_of(name).write(MAKERS[name](), tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    with pytest.raises((OSError, ValueError)):
        codec_of(name).read(tmp_path)


@pytest.mark.parametrize("name", MAKERS)
def test_sizes_are_those_of_the_content(name: str) -> None:
    value = MAKERS[name]()
    held = {
        "Conditioning": 24,
        "Latent": 480,
        "Image": 240,
        "Mask": 80,
        "Audio": 800,
    }
    size = TYPES[name].size_bytes(value)
    assert size == held.get(name, size) > 0


@pytest.fixture
def stream_codec() -> StreamCodec:
    codec = codec_of("Clip")
    assert isinstance(codec, StreamCodec)
    return codec


def test_a_clip_is_stored_while_it_passes(stream_codec: StreamCodec, tmp_path: Path) -> None:
    clip = make_clip()
    recorder = stream_codec.record(clip, tmp_path / "entry")
    passed = list(stream_codec.pieces(clip))
    for number, piece in enumerate(passed):
        recorder.add(piece)
        assert np.array_equal(recorder.piece(number), piece)
    recorder.finish()
    assert np.array_equal(recorder.piece(0), passed[0])
    recorder.discard()
    assert content(stream_codec.read(tmp_path / "entry")) == content(clip)


def test_a_clip_that_was_left_early_is_not_stored(stream_codec: StreamCodec, tmp_path: Path) -> None:
    clip = make_clip()
    recorder = stream_codec.record(clip, tmp_path / "entry")
    recorder.add(next(stream_codec.pieces(clip)))
    recorder.discard()
    assert list((tmp_path / "entry").iterdir()) == []
    with pytest.raises(ValueError, match="no finished clip"):
        stream_codec.read(tmp_path / "entry")


def test_the_pieces_of_a_clip_can_be_replaced(stream_codec: StreamCodec) -> None:
    clip = make_clip()
    starts = 0

    def start():
        nonlocal starts
        starts += 1
        yield from stream_codec.pieces(clip)

    assert content(stream_codec.with_pieces(clip, start)) == content(clip)
    assert starts == 1
