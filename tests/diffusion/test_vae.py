"""Autoencoders: streaming, tiling, lengths, previews."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from server.diffusion import families, preview, vae, weights
from server.diffusion.errors import SamplingError, SizeError
from server.diffusion.memory import Residency
from server.diffusion.sampling import noise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.types import Latent, Vae
from server.diffusion.weights import Descriptions
from tests.diffusion.memory_use import peak_bytes


def noisy_latent(description: Vae, *, width: int = 32, height: int = 32, frames: int = 9) -> Latent:
    latent = empty_latent(description.capabilities, width=width, height=height, frames=frames)
    return replace(
        latent, samples=noise.draw({"video": tuple(latent.video.shape)}, noise.generator(0)), noise_level=0.0
    )


def test_a_clip_streams_a_latent_frame_at_a_time(tiny: Descriptions, residency: Residency) -> None:
    blocks = list(vae.decode_blocks(tiny.vae, noisy_latent(tiny.vae), device="cpu", residency=residency))
    assert [len(block) for block in blocks] == [1, 4, 4]
    assert all(block.dtype == np.float32 and block.min() >= 0 and block.max() <= 1 for block in blocks)


def test_two_streams_of_one_autoencoder_do_not_disturb_each_other(tiny: Descriptions, residency: Residency) -> None:
    first = noisy_latent(tiny.vae)
    second = replace(first, samples={"video": first.video.flip(2)})
    alone = [vae.decode(tiny.vae, latent, device="cpu", residency=residency) for latent in (first, second)]
    streams = [vae.decode_blocks(tiny.vae, latent, device="cpu", residency=residency) for latent in (first, second)]
    together = list(zip(*streams, strict=True))
    for index in range(2):
        assert np.array_equal(np.concatenate([blocks[index] for blocks in together]), alone[index])


def test_a_stream_that_is_dropped_lets_the_weights_go(tiny: Descriptions) -> None:
    own = Residency({"cpu": 2**30})
    stream = vae.decode_blocks(tiny.vae, noisy_latent(tiny.vae), device="cpu", residency=own)
    next(stream)
    assert torch.is_grad_enabled(), "the mode of the stream must not leak to its consumer"
    assert [entry.in_use for entry in own.residents()] == [True]
    stream.close()
    assert [entry.in_use for entry in own.residents()] == [False]


def test_below_the_size_of_a_tile_tiling_changes_nothing(tiny: Descriptions, residency: Residency) -> None:
    latent = noisy_latent(tiny.vae)
    plain = vae.decode(tiny.vae, latent, tiling="never", device="cpu", residency=residency)
    assert np.array_equal(vae.decode(tiny.vae, latent, tiling="always", device="cpu", residency=residency), plain)


def test_tiles_stay_near_the_whole_and_nearest_where_they_are_not_blended(
    tiny: Descriptions, residency: Residency
) -> None:
    # 288 pixels are two tiles of 256 with a stride of 192, blended from 192 to 256.
    latent = noisy_latent(tiny.vae, width=288, height=64, frames=5)
    plain = vae.decode(tiny.vae, latent, tiling="never", device="cpu", residency=residency)
    tiled = vae.decode(tiny.vae, latent, tiling="always", device="cpu", residency=residency)
    assert tiled.shape == plain.shape == (5, 64, 288, 3)
    difference = np.abs(tiled - plain)
    # Attention in the middle block sees a whole tile, so that no pixel is exactly the same; seams would show as more.
    assert 0 < difference.mean() < 0.03 * plain.std()
    assert difference[:, :, :192].mean() < difference[:, :, 192:].mean()


def test_a_small_budget_turns_tiling_on(tiny: Descriptions) -> None:
    latent = noisy_latent(tiny.vae, width=288, height=64, frames=1)
    roomy, tight = Residency({"cpu": 2**30}), Residency({"cpu": 2**20})

    def decode(residency: Residency, tiling: vae.Tiling) -> np.ndarray:
        return vae.decode(tiny.vae, latent, tiling=tiling, device="cpu", residency=residency)

    assert np.array_equal(decode(roomy, "auto"), decode(roomy, "never"))
    assert np.array_equal(decode(tight, "auto"), decode(roomy, "always"))
    assert not np.array_equal(decode(roomy, "never"), decode(roomy, "always"))


@pytest.mark.parametrize(("temporal_scale", "frames"), [(4, 1), (4, 9), (1, 1), (1, 4), (1, 6), (1, 16)])
def test_every_legal_length_survives_encode_and_decode(
    temporal_scale: int, frames: int, wan_folder: Callable[..., Path], residency: Residency
) -> None:
    description = weights.describe(wan_folder(temporal_scale)).vae
    clip = np.random.default_rng(1).random((frames, 32, 48, 3), dtype=np.float32)
    latent = vae.encode(description, clip, Fraction(8), device="cpu", residency=residency)
    assert latent.video.shape == (1, 4, (frames - 1) // temporal_scale + 1, 4, 6)
    assert (latent.frames, latent.width, latent.height, latent.fps) == (frames, 48, 32, Fraction(8))
    assert latent.noise_level == 0
    assert vae.decode(description, latent, device="cpu", residency=residency).shape == clip.shape


def test_frames_that_fill_no_chunk_are_encoded_as_within_a_longer_clip(
    wan_folder: Callable[..., Path], residency: Residency
) -> None:
    description = weights.describe(wan_folder(1)).vae
    clip = np.random.default_rng(2).random((9, 32, 32, 3), dtype=np.float32)
    whole = vae.encode(description, clip, Fraction(8), device="cpu", residency=residency)
    part = vae.encode(description, clip[:7], Fraction(8), device="cpu", residency=residency)
    # The convolutions are causal, so what comes later, padding or not, cannot change what came before.
    assert torch.equal(part.video, whole.video[:, :, :7])


def test_encoding_in_tiles_stays_near_the_whole_and_leaves_no_trace(tiny: Descriptions, residency: Residency) -> None:
    coarse = torch.rand(1, 3, 4, 16, generator=torch.Generator().manual_seed(3))
    picture = torch.nn.functional.interpolate(coarse, size=(64, 288), mode="bilinear")
    clip = picture.permute(0, 2, 3, 1).numpy()

    def encode(tiling: vae.Tiling) -> torch.Tensor:
        return vae.encode(tiny.vae, clip, Fraction(8), tiling=tiling, device="cpu", residency=residency).video

    whole, tiled, again = encode("never"), encode("always"), encode("never")
    assert torch.equal(again, whole)
    assert tiled.shape == whole.shape == (1, 4, 1, 8, 36)
    difference = (tiled - whole).abs()
    assert 0 < difference.mean() < 0.1 * whole.std()


def test_a_clip_of_an_illegal_size_is_refused(tiny: Descriptions, residency: Residency) -> None:
    with pytest.raises(SizeError, match="6 frames do not fit"):
        vae.encode(tiny.vae, np.zeros((6, 32, 32, 3), np.float32), Fraction(8), residency=residency)


def test_an_empty_latent_cannot_be_decoded(tiny: Descriptions, residency: Residency) -> None:
    empty = empty_latent(tiny.vae.capabilities, width=32, height=32, frames=5)
    with pytest.raises(SamplingError, match="holds no picture"):
        vae.decode(tiny.vae, empty, device="cpu", residency=residency)
    with pytest.raises(SamplingError, match="is of the ltx family"):
        vae.decode(tiny.vae, replace(empty, family="ltx"), device="cpu", residency=residency)


def test_a_preview_shows_every_latent_frame_at_half_its_size(tiny: Descriptions, residency: Residency) -> None:
    latent = noisy_latent(tiny.vae, width=48, height=32, frames=9)
    shown = preview.frames(latent, tiny.vae, device="cpu", residency=residency)
    assert shown.dtype == np.uint8
    assert shown.shape == (3, 16, 24, 3)
    still = replace(latent, samples={"video": latent.video[:, :, 1:2]}, frames=1)
    assert np.array_equal(preview.frames(still, tiny.vae, device="cpu", residency=residency)[0], shown[1])


def test_a_preview_is_never_large(tiny: Descriptions, residency: Residency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "_LONGEST_SIDE", 100)
    latent = noisy_latent(tiny.vae, width=512, height=64, frames=121)
    assert preview.frames(latent, tiny.vae, device="cpu", residency=residency).shape == (24, 11, 86, 3)


def test_a_preview_without_room_for_the_autoencoder_still_shows_something(tiny: Descriptions) -> None:
    latent = noisy_latent(tiny.vae, width=48, height=32, frames=9)
    shown = preview.frames(latent, tiny.vae, device="cpu", residency=Residency({"cpu": 1}))
    assert shown.shape == (3, 4, 6, 3)
    assert shown.min() == 0
    assert shown.max() == 255


@pytest.mark.parametrize("temporal_scale", [4, 1])
def test_expected_working_memory_is_what_streaming_takes_whatever_the_length(
    temporal_scale: int, wan_folder: Callable[..., Path], residency: Residency
) -> None:
    description = weights.describe(wan_folder(temporal_scale)).vae
    family = families.get("wan")

    def consume(latent: Latent) -> None:
        for _ in vae.decode_blocks(description, latent, tiling="never", device="cpu", residency=residency):
            pass

    with residency.use(description, "cpu") as module:
        for width, frames in ((64, 9), (128, 9), (64, 17)):
            latent = noisy_latent(description, width=width, height=64, frames=frames)
            expected = family.decode_bytes(module, latent)
            assert 0.4 * expected < peak_bytes(lambda latent=latent: consume(latent)) < 1.6 * expected


def test_tiling_takes_less_memory(tiny: Descriptions, residency: Residency) -> None:
    latent = noisy_latent(tiny.vae, width=512, height=256, frames=5)

    def decode(tiling: vae.Tiling) -> np.ndarray:
        return vae.decode(tiny.vae, latent, tiling=tiling, device="cpu", residency=residency)

    assert peak_bytes(lambda: decode("always")) < 0.8 * peak_bytes(lambda: decode("never"))
