"""Compressed weights unpack to the reference formula, leave no scale behind, and may stay compressed in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from server.diffusion import checkpoint, headers, weights
from server.diffusion.errors import WeightsError
from server.diffusion.identify import identify
from server.diffusion.memory import Residency, expected_bytes, load_component
from server.diffusion.packed import PackedLinear
from server.diffusion.source import Part
from tests.diffusion import networks, originals
from tests.diffusion.networks import make, make_text
from tests.diffusion.single_files import FAMILIES, write_files

FP8 = torch.float8_e4m3fn
CONFIG = networks.WAN | {"ffn_dim": 256, "text_dim": 256, "freq_dim": 256}


def packed_part(found: Any, keep: bool) -> Part:
    from dataclasses import replace

    return replace(found.part("transformer"), keep_packed=keep)


def write_scaled(state: dict[str, Tensor], file: Path, convention: str) -> dict[str, Tensor]:
    """Write matrices as fp8 with scales; returns what the reference formula makes of the file."""
    tensors: dict[str, Tensor] = {}
    expected: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not name.endswith(".weight") or tensor.dim() != 2:
            tensors[name] = expected[name] = tensor
            continue
        module = name.removesuffix(".weight")
        scale = tensor.abs().max() / 448
        if convention == "rows":
            scale = tensor.abs().amax(dim=1, keepdim=True) / 448
        tensors[name] = (tensor / scale).to(FP8)
        suffix = "scale_weight" if convention == "old" else "weight_scale"
        tensors[f"{module}.{suffix}"] = scale.float()
        tensors[f"{module}.{'scale_input' if convention == 'old' else 'input_scale'}"] = torch.tensor(1.0)
        if convention != "old":
            text = b'{"format": "float8_e4m3fn"}'
            tensors[f"{module}.comfy_quant"] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        expected[name] = tensors[name].float() * scale
    if convention == "old":
        tensors["scaled_fp8"] = torch.empty(2, dtype=FP8)
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, file)
    return expected


@pytest.mark.parametrize("convention", ["old", "new", "rows"])
@pytest.mark.parametrize("family", ["wan", "flux"])
def test_scaled_fp8_unpacks_to_the_reference_formula(family: str, convention: str, tmp_path: Path) -> None:
    network = make(family, CONFIG if family == "wan" else networks.FLUX)
    back = originals.wan if family == "wan" else originals.flux
    file = tmp_path / "fp8.safetensors"
    expected = write_scaled(back(network.state_dict()), file, convention)
    (found,) = identify(file)
    loaded = checkpoint.build(type(network), packed_part(found, keep=False), "cpu", torch.float32)
    made = back(dict(loaded.state_dict()))
    assert set(made) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(made[name], tensor), name
    original = network.state_dict()
    for name, tensor in loaded.state_dict().items():
        # Three bits behind the point: half of a sixteenth, and a little more where a number is nearly zero.
        bound = original[name].abs() / 16 + original[name].abs().max() * 1e-3
        assert ((tensor - original[name]).abs() <= bound).all(), name


def test_plain_fp8_has_no_scale_and_loads_as_it_is(tmp_path: Path) -> None:
    network = make("wan", CONFIG)
    state = {name: tensor.to(FP8) for name, tensor in originals.wan(network.state_dict()).items()}
    save_file({f"model.diffusion_model.{name}": tensor for name, tensor in state.items()}, tmp_path / "fp8.safetensors")
    (found,) = identify(tmp_path / "fp8.safetensors")
    loaded = checkpoint.build(type(network), packed_part(found, keep=False), "cpu", torch.float32)
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.to(FP8).float()), name


def run_wan(network: Any, text_dim: int = CONFIG["text_dim"]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        return network(
            hidden_states=torch.randn(1, 16, 3, 4, 4, generator=generator),
            timestep=torch.tensor([500.0]),
            encoder_hidden_states=torch.randn(1, 8, text_dim, generator=generator),
            return_dict=False,
        )[0]


def test_weights_that_stay_compressed_compute_the_same_in_less_memory(tmp_path: Path) -> None:
    network = make("wan", CONFIG)
    file = tmp_path / "fp8.safetensors"
    write_scaled(originals.wan(network.state_dict()), file, "new")
    (found,) = identify(file)
    loose, kept = (
        checkpoint.build(type(network), packed_part(found, keep=keep), "cpu", torch.float32)
        .requires_grad_(False)
        .eval()
        for keep in (False, True)
    )
    layers = [module for module in kept.modules() if isinstance(module, PackedLinear)]
    assert len(layers) > 20
    assert torch.equal(run_wan(kept), run_wan(loose))
    assert saved_bytes(kept) < 0.3 * saved_bytes(loose)
    halved = kept.to(torch.bfloat16)
    assert all(layer.get_buffer("packed").dtype == FP8 for layer in layers)
    assert torch.isfinite(run_wan(halved.float())).all()


def saved_bytes(component: Any) -> int:
    """Return the bytes of a component's weights, without the tables that it computes itself."""
    modules = component.modules.values() if hasattr(component.modules, "values") else [component]
    tensors = {id(tensor): tensor for module in modules for tensor in module.state_dict(keep_vars=True).values()}
    return sum(tensor.nbytes for tensor in tensors.values())


def test_compressed_weights_come_to_the_device_in_parts_too(tmp_path: Path) -> None:
    files = write_files(FAMILIES["wan"], tmp_path / "plain")
    network = make("wan", networks.WAN | {"num_layers": 8})
    write_scaled(originals.wan(network.state_dict()), tmp_path / "fp8.safetensors", "new")
    chosen = files | {"model": tmp_path / "fp8.safetensors"}
    model = weights.describe_source(weights.open_source(chosen, roots=[tmp_path / "plain"])).model
    results: list[Tensor] = []
    for budget in (2**30, int(expected_bytes(model, "cpu") * 0.8)):
        residency = Residency({"cpu": budget})
        with residency.use(model, "cpu") as denoiser:
            results.append(run_wan(denoiser.module, networks.WAN["text_dim"]))
        (resident,) = residency.residents()
        assert resident.peak <= max(budget, resident.nbytes)
        assert (resident.level > 0) == (budget < 2**30)
    assert torch.equal(*results)


QUANTIZATIONS = ["Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "F16", "BF16"]


def write_gguf(state: dict[str, Tensor], file: Path, kind: str) -> dict[str, Tensor]:
    """Write a GGUF file with matrices of one kind; returns what the format's own reader makes of it."""
    writer = gguf.GGUFWriter(file, "wan")
    expected: dict[str, Tensor] = {}
    for name, tensor in state.items():
        array = tensor.float().numpy()
        whole = tensor.dim() == 2 and tensor.shape[1] % 32 == 0  # numbers go into blocks of so many
        quantization = gguf.GGMLQuantizationType[kind if whole else "F32"]
        if tensor.dim() > 4:
            writer.add_array(f"comfy.gguf.orig_shape.{name}", list(array.shape))
            array = array.reshape(array.shape[0], -1)
        data = gguf.quants.quantize(array, quantization)
        writer.add_tensor(name, data, raw_dtype=quantization)
        expected[name] = torch.from_numpy(gguf.quants.dequantize(data, quantization).reshape(tensor.shape).copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return expected


@pytest.mark.parametrize("kind", QUANTIZATIONS)
def test_gguf_unpacks_to_what_its_own_library_reads(kind: str, tmp_path: Path) -> None:
    network = make("wan", CONFIG)
    file = tmp_path / "wan.gguf"
    expected = write_gguf(originals.wan(network.state_dict()), file, kind)
    (found,) = identify(file)
    assert (found.architecture, found.layout) == ("wan", "wan")
    loaded = checkpoint.build(type(network), packed_part(found, keep=False), "cpu", torch.float32)
    made = originals.wan(dict(loaded.state_dict()))
    for name, tensor in expected.items():
        assert torch.allclose(made[name], tensor, rtol=1e-3, atol=1e-6), name
    kept = checkpoint.build(type(network), packed_part(found, keep=True), "cpu", torch.float32)
    assert torch.equal(run_wan(kept.requires_grad_(False).eval()), run_wan(loaded.requires_grad_(False).eval()))


def blocks(kind: str, rows: int, columns: int) -> np.ndarray:
    """Return random bytes that are blocks of a kind, with scales that are numbers."""
    quantization = gguf.GGMLQuantizationType[kind]
    block, size = gguf.GGML_QUANT_SIZES[quantization]
    data = np.random.default_rng(0).integers(0, 256, (rows, columns // block, size), dtype=np.uint8)
    scale = np.frombuffer(np.float16(0.01).tobytes(), dtype=np.uint8)
    places = {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,), "IQ4_XS": (0,)}
    for place in places.get(kind, (0,)):
        data[:, :, place : place + 2] = scale
    return data.reshape(rows, -1)


@pytest.mark.parametrize("kind", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"])
def test_ggufs_other_kinds_unpack_alike(kind: str) -> None:
    from server.diffusion.packed import Packed

    data = blocks(kind, 4, 512)
    expected = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[kind])
    made = Packed(torch.from_numpy(data), (4, 512), kind).unpack(torch.float32)
    assert np.allclose(made.numpy(), expected, rtol=1e-3, atol=1e-5)


def test_the_header_of_a_gguf_file_is_read_as_its_library_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "wan.gguf"
    write_gguf(originals.wan(make("wan", CONFIG).state_dict()), file, "Q4_0")
    reader = gguf.GGUFReader(file)
    entries = headers.read(file).tensors
    assert len(entries) == len(reader.tensors)
    for tensor in reader.tensors:
        entry = entries[tensor.name]
        assert (entry.dtype, entry.start, entry.nbytes) == (
            tensor.tensor_type.name,
            tensor.data_offset,
            tensor.n_bytes,
        )
        assert entry.count == tensor.n_elements


def test_an_encoder_of_t5_stays_compressed(tmp_path: Path) -> None:
    encoder = make_text("umt5")
    state = {name: t for name, t in encoder.state_dict().items() if name != "encoder.embed_tokens.weight"}
    file = tmp_path / "umt5.safetensors"
    write_scaled(state, file, "old")
    (found,) = identify(file)
    kept: Any = checkpoint.build(type(encoder), packed_part(found, keep=True), "cpu", torch.float32)
    loose: Any = checkpoint.build(type(encoder), packed_part(found, keep=False), "cpu", torch.float32)
    ids = torch.tensor([[3, 4, 5, 1]])
    with torch.no_grad():
        assert torch.equal(kept.eval()(ids)[0], loose.eval()(ids)[0])


def test_an_encoder_in_gguf_brings_its_own_vocabulary(tmp_path: Path) -> None:
    """T5 and UMT5 as llama.cpp names their tensors, with the pieces of their tokenizer beside."""
    import sentencepiece

    from server.diffusion import vocabularies
    from tests.diffusion.single_files import spiece

    encoder = make_text("umt5")
    renames = {"shared": "token_embd", "encoder.final_layer_norm": "enc.output_norm", "encoder.block": "enc.blk"}
    renames |= {f".layer.0.SelfAttention.{part}.": f".attn_{part}." for part in "qkvo"}
    renames |= {".layer.0.SelfAttention.relative_attention_bias": ".attn_rel_b", ".layer.0.layer_norm": ".attn_norm"}
    renames |= {".layer.1.layer_norm": ".ffn_norm", ".layer.1.DenseReluDense.wi_0": ".ffn_gate"}
    renames |= {".layer.1.DenseReluDense.wi_1": ".ffn_up", ".layer.1.DenseReluDense.wo": ".ffn_down"}
    writer = gguf.GGUFWriter(tmp_path / "umt5.gguf", "t5encoder")
    for name, tensor in encoder.state_dict().items():
        if name != "encoder.embed_tokens.weight":
            original = name
            for new, old in renames.items():
                original = original.replace(new, old)
            writer.add_tensor(original, tensor.numpy())
    model = sentencepiece.SentencePieceProcessor(model_proto=spiece())
    writer.add_token_list([model.id_to_piece(index) for index in range(len(model))])
    writer.add_token_scores([model.get_score(index) for index in range(len(model))])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (found,) = identify(tmp_path / "umt5.gguf")
    assert found.layout == "umt5/gguf"
    loaded = checkpoint.build(type(encoder), found.part("text_encoder"), "cpu", torch.float32)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    part = vocabularies.locate("tokenizer", "umt5", tmp_path / "umt5.gguf", [])
    text = "a red boat drifts left"
    assert vocabularies.load(part)(text).input_ids == [*model.encode(text), 1]


def test_a_compression_that_is_not_read_is_refused_at_once(tmp_path: Path) -> None:
    state = originals.wan(make("wan", CONFIG).state_dict())
    file = tmp_path / "int8.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    name = "blocks.0.self_attn.q.weight"
    tensors[name] = tensors[name].to(torch.int8)
    tensors["blocks.0.self_attn.q.weight_scale"] = torch.tensor(0.1)
    save_file(tensors, file)
    with pytest.raises(WeightsError, match=r"compressed in a way that is not read: blocks\.0\.self_attn\.q.* is I8"):
        identify(file)


def test_what_a_component_will_take_is_known_before_it_loads(tmp_path: Path) -> None:
    files = write_files(FAMILIES["wan"], tmp_path / "plain")
    plain = weights.describe_source(weights.open_source(files, roots=[tmp_path / "plain"]))
    for description in plain:
        assert expected_bytes(description, "cpu") == saved_bytes(load_component(description, "cpu"))
    from safetensors.torch import load_file

    state = {k.removeprefix("model.diffusion_model."): v for k, v in load_file(files["model"]).items()}
    write_scaled(state, tmp_path / "fp8.safetensors", "new")
    model = weights.describe_source(
        weights.open_source(files | {"model": tmp_path / "fp8.safetensors"}, roots=[tmp_path / "plain"])
    ).model
    loaded = saved_bytes(load_component(model, "cpu"))
    assert expected_bytes(model, "cpu") == pytest.approx(loaded, rel=0.3)
    assert loaded < 0.4 * saved_bytes(load_component(plain.model, "cpu"))
