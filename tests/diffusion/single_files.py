"""Tiny models of every family as single files, in the layout of their makers, and as the folder of diffusers beside."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.diffusion import networks, originals
from tests.diffusion.networks import make, make_text
from tests.diffusion.originals import State
from tests.diffusion.tiny import make_tokenizer

Back = Callable[[State], State]


def same(state: State) -> State:
    return state


def rooted(root: str) -> Back:
    return lambda state: {root + name: tensor for name, tensor in state.items()}


@dataclass(frozen=True)
class Piece:
    """A network of a model, and how its maker names it.

    Attributes:
        name: Component of the pipeline.
        make: Makes the network.
        back: To the original names.
        choice: Under which name its file is chosen; files chosen alike are one.
        prefix: What stands before its names.
    """

    name: str
    make: Callable[[], Any]
    back: Back
    choice: str
    prefix: str = ""


@dataclass(frozen=True)
class Family:
    """A model in pieces.

    Attributes:
        pipeline: Class of diffusers.
        pieces: Its networks.
        run: Arguments of a run.
        image: Whether a run starts from an image.
        options: What the pipeline is told.
        processor: Name of its image processor.
    """

    pipeline: str
    pieces: tuple[Piece, ...]
    run: Mapping[str, Any]
    image: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    processor: str = ""


def _net(architecture: str, config: dict[str, Any]) -> Callable[[], Any]:
    return lambda: make(architecture, config)


def _text(kind: str) -> Callable[[], Any]:
    return lambda: make_text(kind)


T5 = Piece("text_encoder", _text("t5"), same, "text_encoder")
UMT5 = Piece("text_encoder", _text("umt5"), same, "text_encoder")
CLIP = Piece("text_encoder", _text("clip"), rooted("text_model."), "text_encoder")
VIDEO = {"width": 64, "height": 64, "frames": 9, "steps": 2, "guidance_scale": 3.0}
SMALL = VIDEO | {"width": 32, "height": 32, "frames": 1}  # for autoencoders that halve a picture only once
WAN = {"num_layers": 1} | {k: v for k, v in networks.WAN.items() if k != "num_layers"}
WAN_VAE = Piece("vae", _net("wan_vae", networks.WAN_VAE_21), lambda s: originals.wan_vae_21(s, 3), "vae")
VISION = Piece("image_encoder", _text("clip_vision alone at 224"), rooted("vision_model."), "image_encoder")
LDM, FIRST, CONDITIONER = "model.diffusion_model.", "first_stage_model.", "conditioner.embedders."
SD_PIECES = (
    Piece("unet", _net("sd", networks.SD), lambda s: originals.ldm_unet(s, 2, 2), "model", LDM),
    Piece(
        "vae", _net("image_vae", networks.IMAGE_VAE), lambda s: originals.ldm_vae(s, 2), "model", "first_stage_model."
    ),
    Piece("text_encoder", _text("clip"), rooted("text_model."), "model", "cond_stage_model.transformer."),
)

FAMILIES: dict[str, Family] = {
    "wan": Family(
        "WanPipeline",
        (Piece("transformer", _net("wan", WAN), originals.wan, "model", LDM), UMT5, WAN_VAE),
        VIDEO,
    ),
    "wan from image": Family(
        "WanImageToVideoPipeline",
        (
            Piece(
                "transformer",
                _net("wan", WAN | {"in_channels": 36, "image_dim": 64, "added_kv_proj_dim": 128}),
                originals.wan,
                "model",
            ),
            UMT5,
            WAN_VAE,
            VISION,
        ),
        VIDEO,
        image=True,
        processor="image_processor",
    ),
    "wan 5B": Family(
        "WanPipeline",
        (
            Piece("transformer", _net("wan", WAN | {"in_channels": 48, "out_channels": 48}), originals.wan, "model"),
            UMT5,
            Piece("vae", _net("wan_vae", networks.WAN_VAE_22), lambda s: originals.wan_vae_22(s, 2), "vae"),
        ),
        VIDEO | {"frames": 5},
        options={"expand_timesteps": True},
    ),
    "ltx": Family(
        "LTXPipeline",
        (
            Piece("transformer", _net("ltx", networks.LTX), originals.ltx, "model", LDM),
            Piece(
                "vae",
                _net("ltx_vae", networks.LTX_VAE_091),
                lambda s: originals.ltx_vae(s, LTX_ENCODER, LTX_DECODER),
                "model",
                "vae.",
            ),
            T5,
        ),
        VIDEO,
    ),
    "ltx 0.9.5": Family(
        "LTXConditionPipeline",
        (
            Piece("transformer", _net("ltx", networks.LTX), originals.ltx, "model", LDM),
            Piece(
                "vae",
                _net("ltx_vae", networks.LTX_VAE_095),
                lambda s: originals.ltx_vae(s, LTX_ENCODER_095, LTX_DECODER),
                "model",
                "vae.",
            ),
            T5,
        ),
        VIDEO,
    ),
    "hunyuan": Family(
        "HunyuanVideoPipeline",
        (
            Piece(
                "transformer",
                _net("hunyuan", networks.HUNYUAN | {"text_embed_dim": 128, "pooled_projection_dim": 64}),
                lambda s: originals.hunyuan(s, comfyui=False),
                "model",
            ),
            Piece("text_encoder", _text("llama"), rooted("model."), "text_encoder"),
            Piece("text_encoder_2", _text("clip"), rooted("text_model."), "text_encoder_2"),
            Piece(
                "vae", _net("hunyuan_vae", networks.HUNYUAN_VAE), lambda s: originals.ldm_vae(s, 4, dimensions=5), "vae"
            ),
        ),
        VIDEO | {"width": 32, "height": 32, "frames": 5},
    ),
    "cogvideox": Family(
        "CogVideoXPipeline",
        (
            Piece("transformer", _net("cogvideox", networks.COGVIDEOX), originals.cogvideox, "model", LDM),
            Piece("vae", _net("cogvideox_vae", networks.COGVIDEOX_VAE), lambda s: originals.ldm_vae(s, 4), "vae"),
            T5,
        ),
        VIDEO,
    ),
    "flux": Family(
        "FluxPipeline",
        (
            Piece("transformer", _net("flux", networks.FLUX | {"pooled_projection_dim": 64}), originals.flux, "model"),
            Piece("text_encoder_2", _text("t5"), same, "text_encoder"),
            Piece("text_encoder", _text("clip"), rooted("text_model."), "text_encoder_2"),
            Piece("vae", _net("image_vae", networks.FLUX_VAE), lambda s: originals.ldm_vae(s, 2), "vae"),
        ),
        SMALL,
    ),
    "sd": Family("StableDiffusionPipeline", SD_PIECES, SMALL),
    "sdxl": Family(
        "StableDiffusionXLPipeline",
        (
            Piece("unet", _net("sdxl", networks.SDXL), lambda s: originals.ldm_unet(s, 2, 2), "model", LDM),
            SD_PIECES[1],
            Piece(
                "text_encoder", _text("clip"), rooted("text_model."), "model", "conditioner.embedders.0.transformer."
            ),
            Piece(
                "text_encoder_2",
                _text("clip as wide"),
                lambda s: originals.open_clip(s, "text_model"),
                "model",
                f"{CONDITIONER}1.model.",
            ),
        ),
        SMALL,
        options={"force_zeros_for_empty_prompt": True},
    ),
    "svd": Family(
        "StableVideoDiffusionPipeline",
        (
            Piece("unet", _net("svd", networks.SVD), lambda s: originals.ldm_unet(s, 2, 1), "model", LDM),
            Piece(
                "vae",
                _net("temporal_vae", networks.TEMPORAL_VAE),
                lambda s: originals.ldm_vae({k: v for k, v in s.items() if not k.startswith("quant_conv")}, 2),
                "model",
                FIRST,
            ),
            Piece(
                "image_encoder",
                _text("clip_vision at 224"),
                lambda s: originals.open_clip(s, "vision_model"),
                "model",
                f"{CONDITIONER}0.open_clip.model.visual.",
            ),
        ),
        VIDEO | {"frames": 3, "width": 32, "height": 32},
        image=True,
        processor="feature_extractor",
    ),
}


def _motion() -> Any:
    import diffusers

    torch.manual_seed(1)
    adapter = diffusers.MotionAdapter(
        block_out_channels=(32, 64), motion_layers_per_block=2, motion_norm_num_groups=32, motion_max_seq_length=8
    )
    return networks.with_random_parameters(adapter)


def animated() -> Any:
    """Return the U-Net that diffusers makes of Stable Diffusion's and a motion module."""
    import diffusers

    return diffusers.UNetMotionModel.from_unet2d(make("sd", networks.SD), _motion())


ANIMATEDIFF = Family(
    "AnimateDiffPipeline",
    (*SD_PIECES, Piece("motion_adapter", _motion, originals.motion, "motion_module")),
    SMALL | {"frames": 3},
)
A14B = Family(
    "WanPipeline",
    (
        *FAMILIES["wan"].pieces,
        Piece("transformer_2", _net("wan", WAN | {"eps": 1e-5}), originals.wan, "low_noise_model"),
    ),
    VIDEO | {"steps": 3, "guidance_scale_2": 2.0, "boundary": 0.8},
)
EVERY = FAMILIES | {"animatediff": ANIMATEDIFF, "wan A14B": A14B}
"""Also those that are no plain folder of diffusers beside their files."""

FLUX_PIECES, COG_PIECES = FAMILIES["flux"].pieces, FAMILIES["cogvideox"].pieces
VARIANTS = {
    "flux schnell": Family(
        "FluxPipeline",
        (
            replace(
                FLUX_PIECES[0],
                make=_net("flux", networks.FLUX | {"pooled_projection_dim": 64, "guidance_embeds": False}),
            ),
            *FLUX_PIECES[1:],
        ),
        SMALL | {"guidance_scale": 1.0},
    ),
    "cogvideox 1.5": Family(
        "CogVideoXImageToVideoPipeline",
        (replace(COG_PIECES[0], make=_net("cogvideox", networks.COGVIDEOX_15)), *COG_PIECES[1:]),
        VIDEO,
        image=True,
    ),
}
"""Denoisers of other shapes, whose other parts are those of their families."""
ALL = EVERY | VARIANTS

LTX_ENCODER = ["down_blocks.0", "down_blocks.0.downsamplers.0", "down_blocks.0.conv_out", "down_blocks.1"]
LTX_ENCODER += ["down_blocks.1.downsamplers.0", "down_blocks.2", "down_blocks.2.downsamplers.0", "down_blocks.3"]
LTX_ENCODER += ["mid_block"]
LTX_ENCODER_095 = [f"down_blocks.{n // 2}{'.downsamplers.0' if n % 2 else ''}" for n in range(8)] + ["mid_block"]
LTX_DECODER = ["mid_block"] + [f"up_blocks.{n // 2}{'' if n % 2 else '.upsamplers.0'}" for n in range(6)]


@cache
def spiece() -> bytes:
    """Return a tiny SentencePiece model with T5's special tokens."""
    import sentencepiece

    made = io.BytesIO()
    lines = ["a red boat drifts left across the sea", "a blue cat runs blurry dark"] * 50
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=made,
        vocab_size=40,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    return made.getvalue()


def write_files(family: Family, folder: Path) -> dict[str, Path]:
    """Save a family's networks as its makers do, with tokenizers beside; returns files by choice."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, dict[str, Tensor]] = {}
    for piece in family.pieces:
        network = piece.make()
        if piece.name == "vae" and family.pipeline.startswith("StableVideo"):
            plain_quantization(network)
        state = {k: v for k, v in network.state_dict().items() if k != "encoder.embed_tokens.weight"}
        files.setdefault(piece.choice, {}).update({piece.prefix + k: v for k, v in piece.back(state).items()})
        if type(network).__name__.startswith("UMT5"):
            files[piece.choice]["spiece_model"] = torch.frombuffer(bytearray(spiece()), dtype=torch.uint8)
    result = {choice: folder / f"{choice}.safetensors" for choice in files}
    for choice, tensors in files.items():
        save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, result[choice])
    write_tokenizers(folder)
    return result


def plain_quantization(vae: Any) -> None:
    """Let a layer change nothing that the original has not."""
    with torch.no_grad():
        weight = vae.quant_conv.weight
        weight.copy_(torch.eye(weight.shape[0]).reshape(weight.shape))
        vae.quant_conv.bias.zero_()


def write_tokenizers(folder: Path) -> None:
    """Put tiny tokenizers where the user may put some."""
    t5 = folder / "tokenizers" / "t5"
    t5.mkdir(parents=True)
    (t5 / "spiece.model").write_bytes(spiece())
    for kind in ("clip", "clip_g", "llama"):
        place = folder / "tokenizers" / kind
        place.mkdir()
        tokenizer: Any = make_tokenizer()
        tokenizer.backend_tokenizer.save(str(place / "tokenizer.json"))


def write_folder(family: Family, folder: Path, source: Any) -> Path:
    """Save the same networks as a folder of diffusers; schedule, processors and tokenizers are the source's."""
    index: dict[str, Any] = {"_class_name": family.pipeline, **family.options}
    for piece in family.pieces:
        network = piece.make()
        if piece.name == "vae" and family.pipeline.startswith("StableVideo"):
            plain_quantization(network)
        if piece.name == "vae":
            network.register_to_config(**{k: v for k, v in source.config("vae").items() if k in _SET})
        if piece.name == "unet" and family.pipeline.startswith("StableVideo"):
            network.register_to_config(num_frames=source.config("unet")["num_frames"])
        network.save_pretrained(folder / piece.name)
        index[piece.name] = ["diffusers", type(network).__name__]
    index["scheduler"] = ["diffusers", source.config("scheduler")["_class_name"]]
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(source.config("scheduler")))
    if family.processor:
        (folder / family.processor).mkdir()
        text = json.dumps(source.config(family.processor))
        (folder / family.processor / "preprocessor_config.json").write_text(text)
        index[family.processor] = ["transformers", "CLIPImageProcessorPil"]
    from server.diffusion import vocabularies

    for part in source.parts:
        if part.name.startswith("tokenizer"):
            vocabularies.load(part).save_pretrained(folder / part.name)
            index[part.name] = ["transformers", "PreTrainedTokenizerFast"]
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


_SET = ("scaling_factor", "shift_factor", "latents_mean", "latents_std", "invert_scale_latents")
