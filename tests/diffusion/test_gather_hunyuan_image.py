"""HunyuanVideo from an image, gathered from single files, makes the same frames as the folder with the same weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from server.diffusion import vae, weights
from server.diffusion.gather import ChoiceError
from server.diffusion.memory import Residency, load_component
from server.diffusion.packed import PackedLinear
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from server.diffusion.weights import Descriptions
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, picture
from tests.diffusion.seeing_files import NAMES, parts_of, write_files, write_folder
from tests.diffusion.test_gather import aligned
from tests.diffusion.test_packed import write_gguf, write_scaled
from tests.diffusion.test_packed_families import assert_near
from tests.diffusion.test_parity_hunyuan_image import KINDS

WIDTH, HEIGHT = 32, 32


def frames(described: Descriptions) -> np.ndarray:
    model, encoder, autoencoder = described
    where: dict[str, Any] = {"device": "cpu", "residency": Residency({"cpu": 2**31}, load=aligned)}
    image = picture(WIDTH, HEIGHT).astype(np.float32) / 255
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=5)
    positive = encode_text(encoder, PROMPT, image, **where)
    positive = condition_on_images(autoencoder, positive, latent, {0: image}, **where)
    negative = encode_text(encoder, NEGATIVE, **where)
    result = denoise(model, positive, negative, latent, seed=SEED, steps=2, guidance_scale=3.0, **where)
    return vae.decode(autoencoder, result, **where)


def described(files: dict[str, Path]) -> Descriptions:
    return weights.describe_source(weights.open_source(files, roots=[files["model"].parent]))


@pytest.mark.parametrize("kind", KINDS)
def test_files_make_the_same_frames_as_the_folder(kind: str, tmp_path: Path) -> None:
    parts = parts_of(kind)
    files = write_files(tmp_path / "files", kind, parts)
    gathered = described(files)
    source = gathered.model.source
    assert source.config("image_processor")["crop_size"] == {"height": 48, "width": 48}
    folder = weights.describe(write_folder(tmp_path / "folder", parts, source))
    assert gathered.model.capabilities == folder.model.capabilities
    ours = frames(gathered)
    assert ours.std() > 0.01
    assert np.array_equal(ours, frames(folder))


def test_what_the_files_of_llava_lack_is_said(tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", "latent_concat", parts_of("latent_concat"))
    without = {choice: file for choice, file in files.items() if choice != "image_encoder"}
    with pytest.raises(ChoiceError, match=r"needs LLaVA's image encoder .* of projection dim 128") as caught:
        described(without)
    assert caught.value.choice == "image_encoder"
    plain = files["model"].parent / "tokenizers" / "llama" / "tokenizer.json"
    shutil.copy(files["model"].parent / "tokenizers" / "clip" / "tokenizer.json", plain)
    with pytest.raises(ChoiceError, match="has no token <image>") as lacking:
        described(files)
    assert lacking.value.choice == "text_encoder"
    assert "HunyuanVideo-I2V" in lacking.value.hint


@pytest.mark.parametrize("suffix", [".safetensors", ".gguf"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_compressed_denoiser_loads_to_its_formula_and_runs(
    kind: str, suffix: str, image_files: Callable[[str], dict[str, Path]], tmp_path: Path
) -> None:
    files = image_files(kind)
    packed, plain = tmp_path / f"{NAMES[kind]}{suffix}", tmp_path / "plain" / f"{NAMES[kind]}.safetensors"
    write = partial(write_gguf, kind="Q8_0") if suffix == ".gguf" else partial(write_scaled, convention="new")
    expected = write(load_file(files["model"]), packed)
    plain.parent.mkdir()
    save_file({name: tensor.contiguous().clone() for name, tensor in expected.items()}, plain)
    kept, loose, reference = (
        weights.describe_source(weights.open_source(files | {"model": file}, roots=[files["vae"].parent]), dtype=dtype)
        for file, dtype in ((packed, "auto"), (packed, "float32"), (plain, "auto"))
    )
    assert_near(*(load_component(each.model, "cpu").module for each in (loose, reference)))
    compressed = load_component(kept.model, "cpu").module
    assert any(isinstance(layer, PackedLinear) for layer in compressed.modules())
    assert np.array_equal(frames(kept), frames(loose))
