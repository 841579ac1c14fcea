"""LoRAs in every layout, against diffusers with PEFT; strengths without reading again; what fits nothing is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from server.diffusion import headers, lora, lora_layers, weights
from server.diffusion.errors import BudgetError, WeightsError
from server.diffusion.memory import Residency
from server.diffusion.source import Source
from server.diffusion.types import Model
from server.diffusion.weights import Descriptions
from tests.diffusion.single_files import FAMILIES, write_files, write_folder

RANK, ALPHA = 4, 2.0
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def sources(
    model_files: Callable[[str], dict[str, Path]], image_files: Callable[[str], dict[str, Path]]
) -> Callable[[str], Source]:
    def get(name: str) -> Source:
        kind = name.removeprefix("hunyuan, ")
        files = image_files(kind) if kind != name else model_files(name)
        return weights.open_source(files, roots=[files["model"].parent])

    return get


def network(name: str, source: Source) -> Any:
    """Return a family's denoiser as its maker made it."""
    piece = next(piece for piece in FAMILIES[name].pieces if piece.choice == "model" and piece.name != "vae")
    return piece.make()


def layers(module: torch.nn.Module, *wanted: str) -> list[str]:
    """Return linear layers whose names end in one of some ways."""
    found = [name for name, part in module.named_modules() if type(part) is torch.nn.Linear]
    return [name for name in found if name.endswith(wanted)]


def low_rank(module: torch.nn.Module, names: list[str], seed: int = 0) -> dict[str, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    made: dict[str, tuple[Tensor, Tensor]] = {}
    for name in names:
        layer: Any = module.get_submodule(name)
        down = torch.randn(RANK, layer.in_features, generator=generator) * 0.1
        made[name] = (down, torch.randn(layer.out_features, RANK, generator=generator) * 0.1)
    return made


def save(state: State, file: Path, **metadata: str) -> Path:
    save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, file, metadata=metadata or None)
    return file


def peft(terms: dict[str, tuple[Tensor, Tensor]], prefix: str = "transformer.") -> State:
    pairs = [{f"{prefix}{n}.lora_A.weight": down, f"{prefix}{n}.lora_B.weight": up} for n, (down, up) in terms.items()]
    return {name: tensor for pair in pairs for name, tensor in pair.items()}


def kohya(terms: dict[str, tuple[Tensor, Tensor]], prefix: str) -> State:
    state: State = {}
    for name, (down, up) in terms.items():
        place = prefix + name.replace(".", "_")
        state |= {f"{place}.lora_down.weight": down, f"{place}.lora_up.weight": up}
        state[f"{place}.alpha"] = torch.tensor(ALPHA)
    return state


def run_wan(module: Any) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        return module(
            hidden_states=torch.randn(1, module.config.in_channels, 2, 4, 4, generator=generator),
            timestep=torch.tensor([500.0]),
            encoder_hidden_states=torch.randn(1, 8, module.config.text_dim, generator=generator),
            return_dict=False,
        )[0]


def in_use(residency: Residency, model: Model) -> Tensor:
    with residency.use(model, "cpu") as denoiser:
        return run_wan(denoiser.module)


def oracle(state: State, strength: float, source: Source) -> Tensor:
    """Return what diffusers makes of a LoRA through its own loader."""
    from diffusers import WanPipeline

    transformer = network("wan", source).requires_grad_(False)
    pipeline: Any = WanPipeline(None, None, None, None, transformer=transformer)
    pipeline.load_lora_weights(dict(state), adapter_name="it")
    pipeline.set_adapters(["it"], [strength])
    return run_wan(transformer)


def wan_original(terms: dict[str, tuple[Tensor, Tensor]]) -> dict[str, tuple[Tensor, Tensor]]:
    renames = {"attn1": "self_attn", "attn2": "cross_attn", "to_out.0": "o", "to_q": "q", "to_k": "k", "to_v": "v"}
    renames |= {"ffn.net.0.proj": "ffn.0", "ffn.net.2": "ffn.2"}

    def old(name: str) -> str:
        for new, original in renames.items():
            name = name.replace(new, original)
        return name

    return {old(name): pair for name, pair in terms.items()}


LAYOUTS: dict[str, Callable[[dict[str, tuple[Tensor, Tensor]]], State]] = {
    "peft": peft,
    "peft, original names": lambda terms: peft(wan_original(terms), "diffusion_model."),
    "kohya": lambda terms: kohya(wan_original(terms), "lora_unet_"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_lora_acts_as_in_diffusers_bit_for_bit(layout: str, sources: Callable[[str], Source], tmp_path: Path) -> None:
    source = sources("wan")
    model = weights.describe_source(source).model
    plain = network("wan", source)
    names = layers(plain, "to_q", "to_k", "to_v", "to_out.0", "ffn.net.0.proj", "ffn.net.2")
    assert len(names) == 10
    state = LAYOUTS[layout](low_rank(plain, names))
    file = save(state, tmp_path / "lora.safetensors")
    residency = Residency({"cpu": 2**30})
    for strength in (1.0, 0.3, -0.5):
        ours = in_use(residency, lora.add(model, file, strength))
        assert torch.equal(ours, oracle(state, strength, source))
    bare = in_use(residency, model)
    assert not torch.equal(ours, bare)
    assert torch.equal(in_use(residency, lora.add(model, file, 0.0)), bare)
    assert torch.equal(bare, run_wan(plain.requires_grad_(False)))


def test_several_add_up_and_a_strength_reads_nothing_again(
    sources: Callable[[str], Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = weights.describe_source(sources("wan")).model
    plain = network("wan", sources("wan"))
    names = layers(plain, "to_q", "to_k")
    files = [save(peft(low_rank(plain, names, seed)), tmp_path / f"{seed}.safetensors") for seed in (1, 2)]
    opened: list[Path] = []
    true_open = lora_layers._opened

    def counted(file: Path) -> Any:
        opened.append(file)
        return true_open(file)

    monkeypatch.setattr(lora_layers, "_opened", counted)
    loaded: list[str] = []
    residency = Residency({"cpu": 2**30}, load=_counting(loaded))

    def run(*strengths: float) -> Tensor:
        description = model
        for file, strength in zip(files, strengths, strict=True):
            description = lora.add(description, file, strength)
        return in_use(residency, description)

    both, weaker, first = run(1.0, 1.0), run(1.0, 0.4), run(1.0, 0.0)
    assert not torch.equal(both, weaker)
    assert torch.equal(first, in_use(residency, lora.add(model, files[0], 1.0)))
    assert torch.equal(run(1.0, 1.0), both)
    assert [file.name for file in opened] == ["1.safetensors", "2.safetensors"]
    assert loaded == [model.digest]
    (resident,) = residency.residents()
    assert resident.weights == model


def _counting(loaded: list[str]) -> Callable[..., Any]:
    from server.diffusion.memory import load_component

    def load(description: Any, device: str) -> Any:
        loaded.append(description.digest)
        return load_component(description, device)

    return load


def test_a_fused_layer_of_the_original_is_shared_out(sources: Callable[[str], Source], tmp_path: Path) -> None:
    """FLUX's original has q, k and v in one layer: a LoRA over it changes three of diffusers'."""
    model = weights.describe_source(sources("flux")).model
    generator = torch.Generator().manual_seed(0)
    down, up = torch.randn(RANK, 128, generator=generator), torch.randn(3 * 128, RANK, generator=generator)
    for prefix, name in (
        ("diffusion_model.", "double_blocks.0.img_attn.qkv"),
        ("lora_unet_", "double_blocks_0_img_attn_qkv"),
    ):
        kinds = ("lora_A", "lora_B") if "." in name else ("lora_down", "lora_up")
        state = {f"{prefix}{name}.{kinds[0]}.weight": down, f"{prefix}{name}.{kinds[1]}.weight": up}
        changed = lora.add(model, save(state, tmp_path / f"{kinds[0]}.safetensors"), 1.0)
        with Residency({"cpu": 2**30}).use(changed, "cpu") as denoiser:
            attention = denoiser.module.transformer_blocks[0].attn
            x = torch.randn(1, 2, 128, generator=generator)
            for index, layer in enumerate((attention.to_q, attention.to_k, attention.to_v)):
                rows = slice(index * 128, (index + 1) * 128)
                expected = torch.nn.functional.linear(x, layer.weight, layer.bias) + (x @ down.T @ up[rows].T)
                assert torch.allclose(layer(x), expected, atol=1e-4)


HUNYUAN = (
    "diffusion_model.double_blocks.0.img_attn.qkv",
    "transformer.double_blocks.0.img_attn_qkv",
    "lora_unet_double_blocks_0_img_attn_qkv",
    "transformer.transformer_blocks.0.attn.to_q",
)
SPELLINGS = {
    "wan": (
        "diffusion_model.blocks.0.self_attn.q",
        "lora_unet_blocks_0_self_attn_q",
        "transformer.blocks.0.attn1.to_q",
    ),
    "wan 5B": (
        "diffusion_model.blocks.0.self_attn.q",
        "lora_unet_blocks_0_self_attn_q",
        "transformer.blocks.0.ffn.net.2",
    ),
    "ltx": ("diffusion_model.transformer_blocks.0.attn1.to_q", "transformer.transformer_blocks.0.attn1.to_q"),
    "hunyuan": HUNYUAN,
    "hunyuan, latent_concat": HUNYUAN,
    "hunyuan, token_replace": HUNYUAN,
    "cogvideox": ("transformer.transformer_blocks.0.attn1.to_q", "lora_unet_transformer_blocks_0_attn1_to_q"),
    "flux": ("transformer.single_transformer_blocks.0.attn.to_q", "lora_unet_single_blocks_0_linear1"),
    "sd": (
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q",
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q",
    ),
    "animatediff": (
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q",
        "unet.down_blocks.0.motion_modules.0.transformer_blocks.0.attn1.to_q",
    ),
    "sdxl": ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", "unet.mid_block.attentions.0.proj_in"),
    "svd": ("unet.down_blocks.0.attentions.0.temporal_transformer_blocks.0.attn1.to_q",),
}


@pytest.mark.parametrize(
    ("name", "as_folder"),
    [(name, False) for name in SPELLINGS] + [(name, True) for name in SPELLINGS if name in FAMILIES],
)
def test_every_family_takes_loras_in_its_usual_spellings(
    name: str, as_folder: bool, sources: Callable[[str], Source], tmp_path: Path
) -> None:
    source = sources(name)
    model = weights.describe_source(source).model
    if as_folder:
        model = weights.describe(write_folder(FAMILIES[name], tmp_path / "folder", source)).model
    residency = Residency({"cpu": 2**30})
    for index, key in enumerate(SPELLINGS[name]):
        old = ".processor" in key
        kinds = ("lora_down", "lora_up") if key.startswith("lora_") else ("lora_A", "lora_B")
        wanted = lora._targets(key.replace(".processor", ""), *_place(model))
        assert wanted, key
        modules = _place(model)[1]
        outputs = sum(modules[module][0] for module, _ in wanted)
        inputs = modules[wanted[0][0]][1]
        down, up = torch.randn(RANK, inputs), torch.randn(outputs, RANK)
        state = {f"{key}.{kinds[0]}.weight": down, f"{key}.{kinds[1]}.weight": up}
        if old:
            state = {f"{key}_lora.down.weight": down, f"{key}_lora.up.weight": up}
        changed = lora.add(model, save(state, tmp_path / f"{index}.safetensors"), 1.0)
        with residency.use(changed, "cpu") as denoiser:
            layer = denoiser.module.get_submodule(wanted[0][0])
            x = torch.randn(1, 3, inputs)
            plain = torch.nn.functional.linear(x, layer.weight, layer.bias)
            assert not torch.allclose(layer(x), plain, atol=1e-3), key


def _place(model: Model) -> tuple[str, Any, Any]:
    part = model.source.part(model.capabilities.experts[0])
    modules = lora._modules(part)
    return part.name, modules, lora._namings(part, model.family, modules)


def test_a_text_encoder_takes_its_share_of_a_lora(sources: Callable[[str], Source], tmp_path: Path) -> None:
    described = weights.describe_source(sources("sdxl"))
    key = "text_model_encoder_layers_0_self_attn_q_proj"
    state: State = {}
    for prefix, seed in (("lora_te1_", 1), ("lora_te2_", 2)):
        generator = torch.Generator().manual_seed(seed)
        state[f"{prefix}{key}.lora_down.weight"] = torch.randn(RANK, 64, generator=generator)
        state[f"{prefix}{key}.lora_up.weight"] = torch.randn(64, RANK, generator=generator)
    file = save(state, tmp_path / "lora.safetensors")
    encoder = lora.add(described.text_encoder, file, 1.0)
    with Residency({"cpu": 2**30}).use(encoder, "cpu") as stack:
        differences: list[Tensor] = []
        for module in stack.modules.values():
            layer = lora_layers._submodule(module, "encoder.layers.0.self_attn.q_proj")
            x = torch.ones(1, 2, 64)
            differences.append(layer(x) - torch.nn.functional.linear(x, layer.weight, layer.bias))
    assert all(difference.abs().max() > 0.1 for difference in differences)
    assert not torch.allclose(differences[0], differences[1])
    with pytest.raises(WeightsError, match="fits nothing in this model"):
        lora.add(described.model, file, 1.0)


def test_differences_of_biases_and_norms_are_added_and_taken_off(
    sources: Callable[[str], Source], tmp_path: Path
) -> None:
    model = weights.describe_source(sources("wan")).model
    state = {
        "diffusion_model.blocks.0.self_attn.q.diff_b": torch.full((128,), 0.5),
        "diffusion_model.blocks.0.self_attn.norm_q.diff": torch.full((128,), 0.25),
    }
    changed = lora.add(model, save(state, tmp_path / "diff.safetensors"), 2.0)
    residency = Residency({"cpu": 2**30})
    with residency.use(model, "cpu") as denoiser:
        block = denoiser.module.blocks[0].attn1
        x, before = torch.ones(1, 1, 128), block.norm_q.weight.clone()
        plain = block.to_q(x)
    with residency.use(changed, "cpu"):
        assert torch.allclose(block.to_q(x), plain + 1.0)
        assert torch.allclose(block.norm_q.weight, before + 0.5)
    with residency.use(model, "cpu"):
        assert torch.equal(block.to_q(x), plain)
        assert torch.equal(block.norm_q.weight, before)


def test_one_expert_alone_may_have_a_lora(tmp_path: Path) -> None:
    files = write_files(FAMILIES["wan"], tmp_path / "models")
    both = weights.open_source(files | {"low_noise_model": files["model"]}, roots=[tmp_path / "models"])
    model = weights.describe_source(both).model
    plain = network("wan", both)
    file = save(peft(low_rank(plain, layers(plain, "to_q"))), tmp_path / "lora.safetensors")
    changed = lora.add(model, file, 1.0, expert="transformer_2")
    residency = Residency({"cpu": 2**30})
    high, low = (in_use(residency, replace(changed, expert=name)) for name in ("transformer", "transformer_2"))
    assert torch.equal(high, in_use(residency, model))
    assert not torch.equal(low, high)
    with pytest.raises(WeightsError, match="no expert 'third'"):
        lora.add(model, file, 1.0, expert="third")


def test_alpha_may_stand_in_the_metadata(sources: Callable[[str], Source], tmp_path: Path) -> None:
    model = weights.describe_source(sources("wan")).model
    plain = network("wan", sources("wan"))
    terms = low_rank(plain, layers(plain, "to_q"))
    told = json.dumps({"transformer.lora_alpha": ALPHA, "transformer.r": RANK})
    with_it = lora.add(model, save(peft(terms), tmp_path / "a.safetensors", lora_adapter_metadata=told), 1.0)
    without = lora.add(model, save(peft(terms), tmp_path / "b.safetensors"), ALPHA / RANK)
    residency = Residency({"cpu": 2**30})
    assert torch.equal(in_use(residency, with_it), in_use(residency, without))


def described(sources: Callable[[str], Source], name: str) -> Descriptions:
    return weights.describe_source(sources(name))


def pair(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.lora_A.weight": (RANK, inputs), f"{name}.lora_B.weight": (outputs, RANK)}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (4, 128)}, "is no LoRA"),
        (pair("single_blocks.0.linear1", 128, 896), "fits nothing"),
        (pair("blocks.0.attn1.to_q", 5120, 5120), "another size: its .* is 5120 by 5120, and .* 128 by 128"),
        ({"lora_unet_blocks_0_self_attn_q.hada_w1_a": (4, 4)}, "is a LoHa, a relative of LoRA that is not read"),
        ({"lora_unet_blocks_0_self_attn_q.lokr_w1": (4, 4)}, "is a LoKr"),
        ({"anything": (3,)}, "is no LoRA"),
    ],
)
def test_a_lora_that_does_not_fit_is_refused_when_it_is_described(
    state: dict[str, tuple[int, ...]], words: str, sources: Callable[[str], Source], tmp_path: Path
) -> None:
    file = save({name: torch.zeros(shape) for name, shape in state.items()}, tmp_path / "lora.safetensors")
    with pytest.raises(WeightsError, match=words) as caught:
        lora.add(described(sources, "wan").model, file, 1.0)
    assert caught.value.hint


def test_a_file_that_changed_since_is_refused(sources: Callable[[str], Source], tmp_path: Path) -> None:
    model = described(sources, "wan").model
    plain = network("wan", sources("wan"))
    file = save(peft(low_rank(plain, layers(plain, "to_q"))), tmp_path / "lora.safetensors")
    changed = lora.add(model, file, 1.0)
    save(peft(low_rank(plain, layers(plain, "to_q"), seed=5)), file)
    headers._read.cache_clear()
    with pytest.raises(WeightsError, match="changed after the workflow began"), Residency().use(changed, "cpu"):
        pass


def test_two_users_with_different_loras_do_not_mix(sources: Callable[[str], Source], tmp_path: Path) -> None:
    model = described(sources, "wan").model
    plain = network("wan", sources("wan"))
    file = save(peft(low_rank(plain, layers(plain, "to_q"))), tmp_path / "lora.safetensors")
    residency = Residency({"cpu": 2**30})
    with residency.use(model, "cpu"):
        with (
            pytest.raises(BudgetError, match="in use with other LoRAs"),
            residency.use(lora.add(model, file, 1.0), "cpu"),
        ):
            pass
        with residency.use(model, "cpu"):
            pass
