"""Starting a run from the weights of an exported model: its patch code, its networks, and the words that both know."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from .codec import PatchCode, code_of_vae
from .model import ModelSize, Starter

_WORDS = "shared.weight"


def read_code(model: Path) -> PatchCode:
    """Reads the patch code back out of an exported model's VAE, so that old and new latents mean the same."""
    config = json.loads((model / "vae" / "config.json").read_text(encoding="utf-8"))
    return code_of_vae(_weights(model / "vae"), config["latents_std"])


def read_size(model: Path) -> ModelSize:
    """Reads the widths and depths of an exported model."""
    transformer = json.loads((model / "transformer" / "config.json").read_text(encoding="utf-8"))
    encoder = json.loads((model / "text_encoder" / "config.json").read_text(encoding="utf-8"))
    return ModelSize(
        heads=transformer["num_attention_heads"],
        layers=transformer["num_layers"],
        feed_forward=transformer["ffn_dim"],
        text_width=encoder["d_model"],
        text_layers=encoder["num_layers"],
        latent_channels=transformer["in_channels"],
    )


@torch.no_grad()
def take_weights(starter: Starter, model: Path) -> int:
    """Copies an exported model's weights into a new starter of the same size.

    The two may know different words: what both know keeps what it has learned, new words start
    near the known ones, as far apart as those are.

    Args:
        starter: Filled in place.
        model: Folder of the exported model.

    Returns:
        The number of words that were known already.
    """
    starter.transformer.load_state_dict(
        {name: value.float() for name, value in _weights(model / "transformer").items()}
    )
    known = {name: value.float() for name, value in _weights(model / "text_encoder").items()}
    tokenizer = json.loads((model / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    old, new = tokenizer["model"]["vocab"], starter.tokenizer.get_vocab()
    table = starter.text_encoder.get_input_embeddings().weight
    learned = known.pop(_WORDS)
    shared = sorted(old.keys() & new.keys())
    spread = learned.std(0, correction=0)
    noise = torch.randn(table.shape, generator=torch.Generator().manual_seed(0))
    table.copy_(learned.mean(0) + noise * spread)
    table[[new[word] for word in shared]] = learned[[old[word] for word in shared]]
    missing = starter.text_encoder.load_state_dict({**known, _WORDS: table.clone()}, strict=False).missing_keys
    if set(missing) - {"encoder.embed_tokens.weight"}:
        raise ValueError(f"{model} has another text encoder: {', '.join(sorted(missing))} are not in it")
    return len(shared)


def _weights(folder: Path) -> dict[str, Tensor]:
    parts = [load_file(path) for path in sorted(folder.glob("*.safetensors"))]
    return {name: value.float() for part in parts for name, value in part.items()}
