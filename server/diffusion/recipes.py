"""What else a denoiser needs to be a whole model: its companions, its schedule, and what its pipeline is told.

Published beside the checkpoints as model_index.json and scheduler_config.json, which single files lack. No torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.diffusion.errors import WeightsError

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Need:
    """One companion of a denoiser.

    Attributes:
        component: Its name in the pipeline.
        choice: Under which name the user chooses its file.
        architecture: Which network it is.
        fits: Entries of its configuration that have to be so, for it to belong to this denoiser.
        sets: Entries of its configuration that its shapes do not tell.
        tokenizer: Name and kind of the tokenizer that comes with it.
        prefix: What stands before its tensors' names in a checkpoint that holds several like it.
        within: The companion whose module it is a part of, and the entry of that one's configuration for its own.
    """

    component: str
    choice: str
    architecture: str
    fits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sets: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tokenizer: tuple[str, str] | None = None
    prefix: str = ""
    within: tuple[str, str] | None = None


@dataclass(frozen=True)
class Recipe:
    """How a denoiser becomes a model.

    Attributes:
        family: Name of the family's adapter.
        component: Name of the denoiser in the pipeline.
        needs: Its companions.
        scheduler: The configuration of its schedule, or what makes it of its companions'; see `schedule`.
        options: What the pipeline is told beside its components.
        processors: Image processors, and the image encoders whose size of pictures they bring about.
        sets: Entries of the denoiser's configuration that its shapes do not tell.
    """

    family: str
    component: str
    needs: tuple[Need, ...]
    scheduler: Config | Callable[[Mapping[str, Config]], Config]
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    processors: Mapping[str, str] = field(default_factory=dict[str, str])
    sets: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def schedule(self, companions: Mapping[str, Config]) -> Config:
        """Return the configuration of the schedule, beside companions of these configurations."""
        return self.scheduler(companions) if callable(self.scheduler) else self.scheduler


_CLIP_PICTURES = {
    "do_resize": True,
    "do_center_crop": True,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "do_rescale": True,
    "do_convert_rgb": True,
}


def processor(side: int) -> Config:
    """Return the configuration of what brings pictures to the size and range that CLIP's image encoder takes."""
    return _CLIP_PICTURES | {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}


_WAN_22_CHANNELS, _WAN_MASK = 48, 4  # of latents; of the mask that says which frames an image fills


def recipe(architecture: str, config: Config, name: str, *, experts: int = 1) -> Recipe:
    """Return how a denoiser becomes a model.

    Args:
        architecture: Its name in `server.diffusion.layouts`.
        config: Its configuration.
        name: Of its file, in which makers put what shapes do not tell.
        experts: Denoisers that share the run.

    Raises:
        WeightsError: It is a variant that cannot be run.
    """
    return _RECIPES[architecture](config, name.lower(), experts)


def _wan(config: Config, name: str, experts: int) -> Recipe:
    del name
    small = config["out_channels"] == _WAN_22_CHANNELS
    from_image = config["in_channels"] != config["out_channels"]
    if from_image and config["in_channels"] != 2 * config["out_channels"] + _WAN_MASK:
        raise WeightsError(
            f"This Wan takes {config['in_channels']} channels: it is a variant for control, which cannot be run yet.",
            "Use Wan's own text-to-video or image-to-video model.",
        )
    needs = [
        Need("text_encoder", "text_encoder", "umt5", {"d_model": config["text_dim"]}, tokenizer=("tokenizer", "umt5")),
        Need("vae", "vae", "wan_vae", {"z_dim": config["out_channels"]}),
    ]
    if config.get("image_dim"):
        needs.append(Need("image_encoder", "image_encoder", "clip_vision", {"hidden_size": config["image_dim"]}))
    options: dict[str, Any] = {"expand_timesteps": True} if small else {}
    if experts > 1:
        options["boundary_ratio"] = 0.9 if from_image else 0.875
    shift = 16.0 if config.get("pos_embed_seq_len") else 5.0 if small else 3.0
    return Recipe(
        family="wan",
        component="transformer",
        needs=tuple(needs),
        scheduler={
            "_class_name": "UniPCMultistepScheduler",
            "num_train_timesteps": 1000,
            "prediction_type": "flow_prediction",
            "use_flow_sigmas": True,
            "flow_shift": shift,
        },
        options=options,
        processors={"image_processor": "image_encoder"} if config.get("image_dim") else {},
    )


def _ltx(config: Config, name: str, experts: int) -> Recipe:
    del name, experts
    return Recipe(
        family="ltx",
        component="transformer",
        needs=(
            Need(
                "text_encoder", "text_encoder", "t5", {"d_model": config["caption_channels"]}, {}, ("tokenizer", "t5")
            ),
            Need("vae", "vae", "ltx_vae", {"latent_channels": config["in_channels"]}),
        ),
        scheduler=_ltx_scheduler,
    )


def _ltx_scheduler(companions: Mapping[str, Config]) -> Config:
    """Return the schedule of a version, which the autoencoder tells: all transformers of a size are alike."""
    if _NEWER_LTX in companions["vae"]["down_block_types"]:  # from 0.9.5 on
        return {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": False, "shift": 1.0}
    return {
        "_class_name": "FlowMatchEulerDiscreteScheduler",
        "use_dynamic_shifting": True,
        "base_shift": 0.95,
        "max_shift": 2.05,
        "base_image_seq_len": 1024,
        "max_image_seq_len": 4096,
        "shift_terminal": 0.1,
    }


_NEWER_LTX = "LTXVideo095DownBlock3D"


def _hunyuan(config: Config, name: str, experts: int) -> Recipe:
    del experts
    kind = _hunyuan_image(config, name)
    text = {"hidden_size": config["text_embed_dim"]}
    needs = [
        Need("text_encoder", "text_encoder", "llama", text, tokenizer=("tokenizer", "llama")),
        _clip("text_encoder_2", "text_encoder_2", "tokenizer_2", config["pooled_projection_dim"]),
        Need("vae", "vae", "hunyuan_vae", {"latent_channels": config["out_channels"]}),
    ]
    if kind:
        projected = {"projection_dim": config["text_embed_dim"]}
        needs.append(
            Need("image_encoder", "image_encoder", "llava_vision", projected, within=("text_encoder", "vision_config"))
        )
    return Recipe(
        family="hunyuan",
        component="transformer",
        needs=tuple(needs),
        scheduler={"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 7.0},
        processors={"image_processor": "image_encoder"} if kind else {},
        sets={"image_condition_type": kind} if kind else {},
    )


def _hunyuan_image(config: Config, name: str) -> str:
    """Return how a model takes an image; nothing where it takes none.

    The first model has channels for it. The second, which puts the image in the first frame's place, has the shapes of
    the one from text: its name alone tells.
    """
    if config["in_channels"] == 2 * config["out_channels"] + 1:
        return "latent_concat"
    if config["in_channels"] != config["out_channels"]:
        raise WeightsError(
            f"This HunyuanVideo takes {config['in_channels']} channels: it is a variant that cannot be run.",
            "Use its text-to-video or image-to-video model.",
        )
    return "token_replace" if any(word in name for word in _FROM_IMAGE) else ""


_FROM_IMAGE = ("image_to_video", "image-to-video", "i2v", "img2vid")


def _cogvideox(config: Config, name: str, experts: int) -> Recipe:
    del name, experts
    small = not config["use_rotary_positional_embeddings"]
    newer = config["patch_size_t"] is not None
    from_image = config["in_channels"] != config["out_channels"]
    sets = {"scaling_factor": 1.15258426 if small else 0.7, "invert_scale_latents": newer and from_image}
    return Recipe(
        family="cogvideox",
        component="transformer",
        needs=(
            _t5("text_encoder", "tokenizer", config["text_embed_dim"]),
            Need("vae", "vae", "cogvideox_vae", {"latent_channels": config["out_channels"]}, sets),
        ),
        scheduler={
            "_class_name": "CogVideoXDDIMScheduler" if small else "CogVideoXDPMScheduler",
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "clip_sample": False,
            "prediction_type": "v_prediction",
            "rescale_betas_zero_snr": True,
            "set_alpha_to_one": True,
            "snr_shift_scale": 3.0 if small else 1.0,
            "timestep_spacing": "trailing",
        },
    )


def _flux(config: Config, name: str, experts: int) -> Recipe:
    del name, experts
    if config["in_channels"] != config["out_channels"]:
        raise WeightsError(
            "FLUX's fill, depth and canny models cannot be run yet.", "Use the plain dev or schnell model."
        )
    guided = config["guidance_embeds"]
    return Recipe(
        family="flux",
        component="transformer",
        needs=(
            _t5("text_encoder_2", "tokenizer_2", config["joint_attention_dim"]),
            _clip("text_encoder", "text_encoder_2", "tokenizer", config["pooled_projection_dim"]),
            Need(
                "vae",
                "vae",
                "image_vae",
                {"latent_channels": config["in_channels"] // 4},
                {"scaling_factor": 0.3611, "shift_factor": 0.1159, "sample_size": 1024},
            ),
        ),
        scheduler={
            "_class_name": "FlowMatchEulerDiscreteScheduler",
            "use_dynamic_shifting": guided,
            "shift": 3.0 if guided else 1.0,
            "base_shift": 0.5,
            "max_shift": 1.15,
            "base_image_seq_len": 256,
            "max_image_seq_len": 4096,
        },
    )


_SD_BETAS = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "timestep_spacing": "leading",
}


def _clip(component: str, choice: str, tokenizer: str, width: int) -> Need:
    return Need(component, choice, "clip", {"hidden_size": width}, tokenizer=(tokenizer, "clip"))


def _t5(component: str, tokenizer: str, width: int) -> Need:
    return Need(component, "text_encoder", "t5", {"d_model": width}, tokenizer=(tokenizer, "t5"))


def _sd(config: Config, name: str, experts: int) -> Recipe:
    del name, experts
    _check_plain(config)
    if config["use_linear_projection"]:
        raise WeightsError("Stable Diffusion 2 cannot be run.", "Use a model of Stable Diffusion 1.5 or XL.")
    return Recipe(
        family="sd",
        component="unet",
        needs=(
            _clip("text_encoder", "text_encoder", "tokenizer", config["cross_attention_dim"]),
            Need("vae", "vae", "image_vae", {"latent_channels": config["in_channels"]}, {"scaling_factor": 0.18215}),
        ),
        scheduler=_SD_BETAS | {"_class_name": "PNDMScheduler", "skip_prk_steps": True, "set_alpha_to_one": False},
    )


def _animatediff(config: Config, name: str, experts: int) -> Recipe:
    plain = _sd({**config, "use_linear_projection": False}, name, experts)
    scheduler = _SD_BETAS | {"_class_name": "DDIMScheduler", "beta_schedule": "linear", "clip_sample": False}
    return Recipe("animatediff", "unet", plain.needs, scheduler)


def _sdxl(config: Config, name: str, experts: int) -> Recipe:
    del name, experts
    _check_plain(config)
    whole = config["cross_attention_dim"]
    first = _WIDTH_OF_CLIP_L if whole == _WIDTH_OF_BOTH else whole // 2
    return Recipe(
        family="sdxl",
        component="unet",
        needs=(
            _clip("text_encoder", "text_encoder", "tokenizer", first),
            Need(
                "text_encoder_2",
                "text_encoder_2",
                "clip",
                {"hidden_size": whole - first},
                tokenizer=("tokenizer_2", "clip_g"),
                prefix="conditioner.embedders.1.model.",
            ),
            Need("vae", "vae", "image_vae", {"latent_channels": config["in_channels"]}, {"scaling_factor": 0.13025}),
        ),
        scheduler=_SD_BETAS | {"_class_name": "EulerDiscreteScheduler"},
        options={"force_zeros_for_empty_prompt": True},
    )


_WIDTH_OF_CLIP_L, _WIDTH_OF_BOTH = 768, 2048


def _check_plain(config: Config) -> None:
    if config["in_channels"] != config["out_channels"]:
        raise WeightsError("This is a model for inpainting, which cannot be run yet.", "Use the plain model.")


def _svd(config: Config, name: str, experts: int) -> Recipe:
    del experts
    return Recipe(
        family="svd",
        component="unet",
        needs=(
            Need("image_encoder", "image_encoder", "clip_vision", {"projection_dim": config["cross_attention_dim"]}),
            Need("vae", "vae", "temporal_vae", {"latent_channels": config["out_channels"]}),
        ),
        scheduler={
            "_class_name": "EulerDiscreteScheduler",
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "interpolation_type": "linear",
            "prediction_type": "v_prediction",
            "sigma_min": 0.002,
            "sigma_max": 700.0,
            "steps_offset": 1,
            "timestep_spacing": "leading",
            "timestep_type": "continuous",
            "use_karras_sigmas": True,
        },
        processors={"feature_extractor": "image_encoder"},
        sets={"num_frames": 25 if "xt" in name else 14},
    )


_RECIPES: Mapping[str, Callable[[Config, str, int], Recipe]] = {
    "wan": _wan,
    "ltx": _ltx,
    "hunyuan": _hunyuan,
    "cogvideox": _cogvideox,
    "flux": _flux,
    "sd": _sd,
    "animatediff": _animatediff,
    "sdxl": _sdxl,
    "svd": _svd,
}
