"""Published models are told apart by names and shapes alone, at their true sizes, and diffusers' converters agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from server.diffusion import layouts, recipes
from server.diffusion.errors import WeightsError
from server.diffusion.identify import identify
from tests.diffusion import networks, originals
from tests.diffusion.networks import CLASSES, make
from tests.diffusion.originals import State

WAN_14B = {"num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40}
WAN_IMAGE = WAN_14B | {"in_channels": 36, "image_dim": 1280, "added_kv_proj_dim": 5120}
COG = {"num_attention_heads": 48, "num_layers": 42, "use_rotary_positional_embeddings": True}
SD = {"cross_attention_dim": 768, "attention_head_dim": 8}
SDXL: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": [1, 2, 10],
    "attention_head_dim": [5, 10, 20],
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}

Back = Callable[[State], State]
PUBLISHED: dict[str, tuple[str, dict[str, Any], Back]] = {
    "Wan 2.1 1.3B": ("wan", {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}, originals.wan),
    "Wan 2.1 14B, Wan 2.2 A14B": ("wan", WAN_14B, originals.wan),
    "Wan 2.1 14B from image": ("wan", WAN_IMAGE, originals.wan),
    "Wan 2.1 14B from first and last": ("wan", WAN_IMAGE | {"pos_embed_seq_len": 514}, originals.wan),
    "Wan 2.2 A14B from image": ("wan", WAN_14B | {"in_channels": 36}, originals.wan),
    "Wan 2.2 5B": (
        "wan",
        {"num_attention_heads": 24, "ffn_dim": 14336, "num_layers": 30, "in_channels": 48, "out_channels": 48},
        originals.wan,
    ),
    "LTX-Video 2B": ("ltx", {}, originals.ltx),
    "LTX-Video 13B": ("ltx", {"attention_head_dim": 128, "cross_attention_dim": 4096, "num_layers": 48}, originals.ltx),
    "HunyuanVideo": ("hunyuan", {}, lambda state: originals.hunyuan(state, comfyui=False)),
    "CogVideoX 2B": ("cogvideox", {}, originals.cogvideox),
    "CogVideoX 5B": ("cogvideox", COG, originals.cogvideox),
    "CogVideoX 1.5 from image": (
        "cogvideox",
        COG | {"patch_size_t": 2, "patch_bias": False, "in_channels": 32, "ofs_embed_dim": 512},
        originals.cogvideox,
    ),
    "FLUX.1 dev": ("flux", {"guidance_embeds": True, "out_channels": 64}, originals.flux),
    "FLUX.1 schnell": ("flux", {"out_channels": 64}, originals.flux),
    "Stable Diffusion 1.5": ("sd", SD, lambda state: originals.ldm_unet(state, 4, 2)),
    "Stable Diffusion XL": ("sdxl", SDXL, lambda state: originals.ldm_unet(state, 3, 2)),
    "Stable Video Diffusion": (
        "svd",
        {"num_attention_heads": (5, 10, 20, 20)},
        lambda state: originals.ldm_unet(state, 4, 2),
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_model_is_told_by_its_header(name: str) -> None:
    import diffusers
    from accelerate import init_empty_weights

    architecture, config, back = PUBLISHED[name]
    with init_empty_weights():
        network = getattr(diffusers, CLASSES[architecture])(**config)
    shapes = {key: tuple(tensor.shape) for key, tensor in back(network.state_dict()).items()}
    (found,) = layouts.networks(shapes)
    assert found.architecture.name == architecture
    derived = found.config(shapes)
    known = {"sample_size", "sample_width", "sample_height", "sample_frames", "max_text_seq_length"}
    for key in derived.keys() - known:
        ours, theirs = derived[key], network.config[key]
        assert _plain(ours) == _plain(theirs), key
    made = recipes.recipe(architecture, derived, name)
    assert made.schedule({"vae": {"down_block_types": ["LTXVideoDownBlock3D"]}})["_class_name"] in dir(diffusers)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | list) else value


def test_recipes_tell_variants_apart() -> None:
    def wan(name: str, experts: int = 1) -> recipes.Recipe:
        architecture, config, back = PUBLISHED[name]
        import diffusers
        from accelerate import init_empty_weights

        with init_empty_weights():
            network = getattr(diffusers, CLASSES[architecture])(**config)
        shapes = {key: tuple(tensor.shape) for key, tensor in back(network.state_dict()).items()}
        return recipes.recipe(architecture, layouts.networks(shapes)[0].config(shapes), name, experts=experts)

    assert wan("Wan 2.2 5B").options == {"expand_timesteps": True}
    assert wan("Wan 2.1 14B, Wan 2.2 A14B", experts=2).options == {"boundary_ratio": 0.875}
    assert wan("Wan 2.2 A14B from image", experts=2).options == {"boundary_ratio": 0.9}
    assert "image_encoder" in {need.component for need in wan("Wan 2.1 14B from image").needs}
    assert "image_encoder" not in {need.component for need in wan("Wan 2.2 A14B from image").needs}
    shifts = {name: wan(name).schedule({})["flow_shift"] for name in PUBLISHED if name.startswith("Wan")}
    assert shifts["Wan 2.1 14B from first and last"] == 16.0
    assert shifts["Wan 2.2 5B"] == 5.0
    assert not wan("FLUX.1 schnell").schedule({})["use_dynamic_shifting"]
    assert wan("FLUX.1 dev").schedule({})["use_dynamic_shifting"]
    assert wan("CogVideoX 2B").schedule({})["_class_name"] == "CogVideoXDDIMScheduler"


def test_variants_that_cannot_be_run_say_so() -> None:
    def refuse(architecture: str, config: dict[str, Any], words: str) -> None:
        with pytest.raises(WeightsError, match=words) as caught:
            recipes.recipe(architecture, config, "")
        assert caught.value.hint

    refuse("hunyuan", {"in_channels": 32, "out_channels": 16}, "takes 32 channels")
    refuse("wan", {"in_channels": 48, "out_channels": 16, "text_dim": 4096}, "takes 48 channels: .* for control")
    refuse("flux", {"in_channels": 384, "out_channels": 64}, "fill, depth and canny")
    refuse("sd", {"in_channels": 9, "out_channels": 4}, "inpainting")
    refuse("sd", {"in_channels": 4, "out_channels": 4, "use_linear_projection": True}, "Stable Diffusion 2")


CONVERTERS: dict[str, tuple[str, dict[str, Any], Back, str]] = {
    "wan": ("wan", networks.WAN_IMAGE, originals.wan, "convert_wan_transformer_to_diffusers"),
    "ltx": ("ltx", networks.LTX, originals.ltx, "convert_ltx_transformer_checkpoint_to_diffusers"),
    "sd": ("sd", networks.SD, lambda s: originals.ldm_unet(s, 2, 2), "convert_ldm_unet_checkpoint"),
    "sdxl": ("sdxl", networks.SDXL, lambda s: originals.ldm_unet(s, 2, 2), "convert_ldm_unet_checkpoint"),
    "image_vae": ("image_vae", networks.IMAGE_VAE, lambda s: originals.ldm_vae(s, 2), "convert_ldm_vae_checkpoint"),
    "wan_vae": ("wan_vae", networks.WAN_VAE_21, lambda s: originals.wan_vae_21(s, 3), "convert_wan_vae_to_diffusers"),
}


@pytest.mark.parametrize("name", CONVERTERS)
def test_diffusers_own_converters_agree_on_the_names(name: str) -> None:
    """The original names in these tests are true ones: diffusers brings them back as well."""
    from diffusers.loaders import single_file_utils

    architecture, config, back, converter = CONVERTERS[name]
    network = make(architecture, config)
    state = back(network.state_dict())
    prefix = "model.diffusion_model." if name.startswith("sd") else ""
    arguments = {"config": dict(network.config)} if "ldm" in converter else {}
    converted = getattr(single_file_utils, converter)({prefix + k: v for k, v in state.items()}, **arguments)
    expected = network.state_dict()
    # diffusers does not know the positions of first and last frame, and leaves them as they are.
    positions = {"img_emb.emb_pos", "condition_embedder.image_embedder.pos_embed"}
    assert set(converted) - positions == set(expected) - positions
    assert all(torch.equal(converted[key], expected[key]) for key in set(expected) - positions)


OTHERS = {
    "blocks.0.attn.qkv_x.weight": "Mochi",
    "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight": "Stable Diffusion 3",
    "transformer_blocks.0.img_mod.1.weight": "Qwen-Image",
    "some.thing.weight": "no network that is known",
    "control_model.time_embed.0.weight": "a ControlNet",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_of_another_family_is_named(name: str, tmp_path: Path) -> None:
    save_file({name: torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=OTHERS[name]) as caught:
        identify(tmp_path / "other.safetensors")
    assert "Known are Wan" in caught.value.hint


@pytest.mark.parametrize("cut", [3, 40, 200, -5])
def test_a_gguf_file_that_is_cut_short_says_so(cut: int, tmp_path: Path) -> None:
    from tests.diffusion.test_packed import write_gguf

    file = tmp_path / "x.gguf"
    write_gguf(originals.wan(make("wan", networks.WAN).state_dict()), file, "F16")
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(WeightsError, match=r"cut short|damaged header|bytes long where") as caught:
        identify(file)
    assert caught.value.hint
