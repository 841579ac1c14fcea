"""A network saved in each original layout is recognised by its header, and loads equal to its diffusers form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from server.diffusion import checkpoint
from server.diffusion.identify import identify
from tests.diffusion import networks, originals
from tests.diffusion.networks import make, make_text
from tests.diffusion.originals import State


@dataclass(frozen=True)
class Case:
    """A network, and how to bring its names back to the original ones."""

    architecture: str
    config: dict[str, Any]
    layout: str
    back: Callable[[State], State]
    prefix: str = ""


_LTX_ENCODER = ["down_blocks.0", "down_blocks.0.downsamplers.0", "down_blocks.0.conv_out", "down_blocks.1"]
_LTX_ENCODER_091 = [*_LTX_ENCODER, "down_blocks.1.downsamplers.0", "down_blocks.2", "down_blocks.2.downsamplers.0"]
_LTX_ENCODER_091 += ["down_blocks.3", "mid_block"]
_LTX_ENCODER_095 = [f"down_blocks.{n // 2}{'.downsamplers.0' if n % 2 else ''}" for n in range(8)] + ["mid_block"]


def ltx_vae(encoder: list[str], decoder: list[str]) -> Callable[[State], State]:
    return lambda state: originals.ltx_vae(state, encoder, decoder)


def same(state: State) -> State:
    return state


_UPS = [name for block in range(3) for name in (f"up_blocks.{block}.upsamplers.0", f"up_blocks.{block}")]
_OLD_UPS = ["mid_block", "up_blocks.0", "up_blocks.1.upsamplers.0", "up_blocks.1", "up_blocks.2.upsamplers.0"]
_OLD_UPS += ["up_blocks.2", "up_blocks.3.conv_in", "up_blocks.3.upsamplers.0", "up_blocks.3"]

FIRST = "first_stage_model."

CASES = [
    Case("wan", networks.WAN, "wan", originals.wan),
    Case("wan", networks.WAN, "wan", originals.wan, "model.diffusion_model."),
    Case("wan", networks.WAN, "wan", originals.wan, "diffusion_model."),
    Case("wan", networks.WAN_IMAGE, "wan", originals.wan),
    Case("wan", networks.WAN, "wan/diffusers", same),
    Case("wan_vae", networks.WAN_VAE_21, "wan_vae", lambda state: originals.wan_vae_21(state, 3)),
    Case("wan_vae", networks.WAN_VAE_22, "wan_vae", lambda state: originals.wan_vae_22(state, 2)),
    Case("wan_vae", networks.WAN_VAE_22, "wan_vae/diffusers", same),
    Case("ltx", networks.LTX, "ltx", originals.ltx, "model.diffusion_model."),
    Case("ltx", networks.LTX, "ltx/diffusers", same),
    Case("ltx_vae", networks.LTX_VAE, "ltx_vae", ltx_vae(_LTX_ENCODER_091, _OLD_UPS), "vae."),
    Case("ltx_vae", networks.LTX_VAE_091, "ltx_vae", ltx_vae(_LTX_ENCODER_091, ["mid_block", *_UPS]), "vae."),
    Case("ltx_vae", networks.LTX_VAE_095, "ltx_vae", ltx_vae(_LTX_ENCODER_095, ["mid_block", *_UPS]), "vae."),
    Case("ltx_vae", networks.LTX_VAE_091, "ltx_vae/diffusers", same),
    Case("hunyuan", networks.HUNYUAN, "hunyuan", lambda state: originals.hunyuan(state, comfyui=False)),
    Case("hunyuan", networks.HUNYUAN, "hunyuan/comfyui", lambda s: originals.hunyuan(s, comfyui=True), "model."),
    Case("hunyuan", networks.HUNYUAN, "hunyuan/diffusers", same),
    Case("hunyuan_vae", networks.HUNYUAN_VAE, "hunyuan_vae", lambda state: originals.ldm_vae(state, 4, 5)),
    Case("hunyuan_vae", networks.HUNYUAN_VAE, "hunyuan_vae/diffusers", same),
    Case("cogvideox", networks.COGVIDEOX, "cogvideox", originals.cogvideox, "model.diffusion_model."),
    Case("cogvideox", networks.COGVIDEOX_15, "cogvideox", originals.cogvideox, "model.diffusion_model."),
    Case("cogvideox", networks.COGVIDEOX_IMAGE, "cogvideox/diffusers", same),
    Case("cogvideox_vae", networks.COGVIDEOX_VAE, "cogvideox_vae", lambda s: originals.ldm_vae(s, 4)),
    Case("cogvideox_vae", networks.COGVIDEOX_VAE, "cogvideox_vae/diffusers", same),
    Case("flux", networks.FLUX, "flux", originals.flux),
    Case("flux", networks.FLUX | {"guidance_embeds": False}, "flux", originals.flux, "model.diffusion_model."),
    Case("flux", networks.FLUX, "flux/diffusers", same),
    Case("sd", networks.SD, "sd", lambda state: originals.ldm_unet(state, 2, 2), "model.diffusion_model."),
    Case("sd", networks.SD, "sd/diffusers", same),
    Case("sdxl", networks.SDXL, "sdxl", lambda state: originals.ldm_unet(state, 2, 2), "model.diffusion_model."),
    Case("sdxl", networks.SDXL, "sdxl/diffusers", same),
    Case("svd", networks.SVD, "svd", lambda state: originals.ldm_unet(state, 2, 1), "model.diffusion_model."),
    Case("svd", networks.SVD, "svd/diffusers", same),
    Case("image_vae", networks.IMAGE_VAE, "image_vae", lambda s: originals.ldm_vae(s, 2), FIRST),
    Case("image_vae", networks.FLUX_VAE, "image_vae", lambda state: originals.ldm_vae(state, 2)),
    Case("image_vae", networks.IMAGE_VAE, "image_vae/diffusers", same),
    Case("temporal_vae", networks.TEMPORAL_VAE, "temporal_vae", lambda s: originals.ldm_vae(s, 2), FIRST),
    Case("temporal_vae", networks.TEMPORAL_VAE, "temporal_vae/diffusers", same),
]


def saved(state: State, file: Path, prefix: str = "") -> Path:
    save_file({prefix + name: tensor.contiguous().clone() for name, tensor in state.items()}, file)
    return file


def assert_equal(loaded: torch.nn.Module, expected: torch.nn.Module) -> None:
    ours, theirs = loaded.state_dict(), expected.state_dict()
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor), name
        assert ours[name].dtype == tensor.dtype, name


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.layout}{'+' if case.prefix else ''}{case.prefix}")
def test_a_network_loads_equal_from_its_original_layout(case: Case, tmp_path: Path) -> None:
    network = make(case.architecture, case.config)
    state = case.back(network.state_dict())
    if case.layout == case.architecture:
        assert set(state) != set(network.state_dict())
    (found,) = identify(saved(state, tmp_path / "weights.safetensors", case.prefix))
    assert (found.architecture, found.layout, found.prefix) == (case.architecture, case.layout, case.prefix)
    assert found.count == sum(tensor.numel() for tensor in state.values())
    loaded: Any = checkpoint.build(type(network), found.part("network"), "cpu", torch.float32)
    assert_equal(loaded, network)
    derived, made = dict(loaded.config), dict(network.config)
    for name in set(made) - _UNTOLD:
        assert _plain(derived[name]) == _plain(made[name]), name


# What shapes cannot tell, and no forward without its family's own table depends on.
_UNTOLD = {"_name_or_path", "_use_default_values", "scaling_factor", "sample_size", "latents_mean", "latents_std"}
_UNTOLD |= {"num_frames", "decoder_base_dim", "force_upcast", "patch_size", "transformer_layers_per_block"}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | list) else value


def test_shards_are_one_file(tmp_path: Path) -> None:
    network = make("flux", networks.FLUX)
    state = list(originals.flux(network.state_dict()).items())
    for index, half in enumerate((state[::2], state[1::2]), start=1):
        saved(dict(half), tmp_path / f"flux-0000{index}-of-00002.safetensors")
    for index in (1, 2):
        (found,) = identify(tmp_path / f"flux-0000{index}-of-00002.safetensors")
        assert len(found.files) == 2
        assert_equal(checkpoint.build(type(network), found.part("transformer"), "cpu", torch.float32), network)


def test_a_projection_that_a_class_has_no_use_for_is_left_out(tmp_path: Path) -> None:
    import transformers

    for kind, cls in (("clip", transformers.CLIPTextModel), ("clip_vision", transformers.CLIPVisionModel)):
        network = make_text(f"{kind} with projection")
        (found,) = identify(saved(network.state_dict(), tmp_path / f"{kind}.safetensors"))
        loaded = checkpoint.build(cls, found.part("encoder"), "cpu", torch.float32)
        inner = getattr(network, "vision_model" if "vision" in kind else "text_model")
        assert_equal(loaded, inner)


TEXTS = [
    ("t5", "t5", same),
    ("umt5", "umt5", same),
    ("umt5", "umt5/wan", originals.wan_t5),
    ("clip", "clip", lambda state: {f"text_model.{name}": tensor for name, tensor in state.items()}),
    ("clip with projection", "clip", same),
    ("clip with projection", "clip/open_clip", lambda state: originals.open_clip(state, "text_model")),
    ("llama", "llama", lambda state: {f"model.{name}": tensor for name, tensor in state.items()}),
    ("clip_vision", "clip_vision", lambda state: {f"vision_model.{name}": tensor for name, tensor in state.items()}),
    ("clip_vision with projection", "clip_vision", same),
    ("clip_vision with projection", "clip_vision/open_clip", lambda state: originals.open_clip(state, "vision_model")),
]


@pytest.mark.parametrize(("kind", "layout", "back"), TEXTS, ids=lambda value: value if isinstance(value, str) else "")
def test_an_encoder_loads_equal_from_its_original_layout(
    kind: str, layout: str, back: Callable[[State], State], tmp_path: Path
) -> None:
    network = make_text(kind)
    state = back({name: t for name, t in network.state_dict().items() if name != "encoder.embed_tokens.weight"})
    (found,) = identify(saved(state, tmp_path / "weights.safetensors"))
    assert found.layout == layout
    loaded: Any = checkpoint.build(type(network), found.part("network"), "cpu", torch.float32)
    assert_equal(loaded, network)
    loaded.eval()
    ids = torch.tensor([[3, 5, 7, 2, 2]])
    inputs = torch.rand(1, 3, 32, 32) if "vision" in kind else ids
    ours, theirs = loaded(inputs), network(inputs)
    for name in ("last_hidden_state", "pooler_output", "text_embeds", "image_embeds"):
        assert (name in ours) == (name in theirs)
        assert name not in ours or torch.equal(ours[name], theirs[name])
