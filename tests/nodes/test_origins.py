"""Parts of different models that are wired together are told before anything loads or runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cli.conftest import CommandLine
from tests.diffusion.pipelines import picture
from tests.diffusion.single_files import FAMILIES, write_files
from tests.diffusion.test_parity_ltx import make_ltx
from tests.diffusion.tiny import make_wan
from tests.nodes.test_sampling_graphs import FIRST, graph, link
from tests.nodes.workbench import Workbench

OTHER = {"type": "load_model", "inputs": {"model": "ltx"}}
FIVE = {name: f"five/{name}.safetensors" for name in ("model", "text_encoder", "vae")}
CLIP = {"type": "test_pattern", "inputs": {"width": 48, "height": 32, "seconds": 5 / 16, "fps": 16.0}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application's folders, with tiny models in them: Wan's from text, from an image and 5B, and LTX's."""
    home = tmp_path_factory.mktemp("home")
    options = {"in_channels": 12, "image_dim": 16, "added_kv_proj_dim": 24}
    make_wan(home / "models" / "wan")
    make_wan(home / "models" / "image", pipeline="WanImageToVideoPipeline", transformer=options, image_encoder=True)
    make_ltx(home / "models" / "ltx", conditioned=False)
    write_files(FAMILIES["wan 5B"], home / "models" / "five")
    (home / "uploads").mkdir()
    Image.fromarray(picture(48, 32)).save(home / "uploads" / "first.png")
    return home


@pytest.fixture
def workbench(home: Path) -> Iterator[Workbench]:
    bench = Workbench(home)
    yield bench
    bench.close()


def wired(node: str, **inputs: Any) -> dict[str, Any]:
    return {node: {"inputs": inputs}}


def image_node(vae: str = "models", prompt: str = "text") -> dict[str, Any]:
    wires = {"vae": link(vae, "vae"), "latent": link("size", "latent"), "positive": link(prompt, "conditioning")}
    return {"type": "image_to_video", "inputs": {**wires, "first": link("first", "image")}}


FOREIGN_TEXT = {"type": "encode_text", "inputs": {"encoder": link("other", "text_encoder"), "text": "a boat"}}
FOREIGN_SIZE = {"type": "empty_latent_video", "inputs": {"model": link("other", "model"), "width": 64, "height": 64}}
FOREIGN_ENCODE = {"type": "vae_encode", "inputs": {"vae": link("other", "vae"), "clip": link("pattern", "clip")}}


@pytest.mark.parametrize(
    ("model", "changes", "socket", "words"),
    [
        (
            "wan",
            wired("decode", vae=link("other", "vae")),
            "decode/inputs/vae",
            "latent is of the wan family.* is ltx .*autoencoder of tiny",
        ),
        ("wan", {"text": FOREIGN_TEXT}, "denoise/inputs/positive", "ltx family, but the model is wan"),
        ("wan", {"without": FOREIGN_TEXT}, "denoise/inputs/negative", "encode it by the text encoder of tiny"),
        ("wan", {"size": FOREIGN_SIZE}, "denoise/inputs/latent", "ltx family, but the model is wan"),
        (
            "wan",
            {
                "pattern": CLIP,
                "encoded": FOREIGN_ENCODE,
                **wired("denoise", latent=link("encoded", "latent"), strength=0.5),
            },
            "denoise/inputs/latent",
            "by the model or the autoencoder of tiny",
        ),
        (
            "image",
            {"first": FIRST, "shown": image_node("other"), **wired("denoise", positive=link("shown", "conditioning"))},
            "shown/inputs/vae",
            "the latent is of the wan family",
        ),
        (
            "image",
            {
                "first": FIRST,
                "other_text": FOREIGN_TEXT,
                "shown": image_node(prompt="other_text"),
                **wired("denoise", positive=link("shown", "conditioning")),
            },
            "shown/inputs/positive",
            "the prompt was encoded for the ltx family",
        ),
        ("image", {}, "denoise/inputs/positive", "from its first frame, and got none.*put Image to video between"),
        (
            "wan",
            {"first": FIRST, "shown": image_node(), **wired("denoise", positive=link("shown", "conditioning"))},
            "shown/inputs/vae",
            "takes no pictures.*use a model that makes video from images",
        ),
    ],
)
def test_what_does_not_belong_together_is_told_where_it_meets(
    model: str, changes: dict[str, Any], socket: str, words: str, workbench: Workbench
) -> None:
    problems = workbench.problems(graph(model, other=OTHER, **changes))
    told = {problem.path: f"{problem.message} {problem.hint}" for problem in problems}
    assert f"/nodes/{socket}" in told, told
    assert re.search(words, told[f"/nodes/{socket}"]), told


def test_parts_of_one_family_that_differ_in_their_latents_are_told_as_well(workbench: Workbench) -> None:
    five = {"type": "load_model", "inputs": FIVE}
    [decoding] = workbench.problems(graph("wan", five=five, **wired("decode", vae=link("five", "vae"))))
    assert decoding.path == "/nodes/decode/inputs/vae"
    assert decoding.message == "the latent has 4 channels, but the autoencoder's have 48"
    size = wired("size", model=link("five", "model"))
    told = {problem.path: problem.message for problem in workbench.problems(graph("wan", five=five, **size))}
    assert told["/nodes/denoise/inputs/latent"] == "the latent has 48 channels where tiny takes 4"


@pytest.mark.parametrize("condition", [True, False])
def test_a_switch_passes_on_what_is_known_of_the_value_that_it_chooses(condition: bool, workbench: Workbench) -> None:
    wires = {"when_true": link("other_text", "conditioning"), "when_false": link("text", "conditioning")}
    chosen = {"type": "switch", "inputs": {**wires, "condition": condition}}
    change = wired("denoise", positive=link("chosen", "value"))
    problems = workbench.problems(graph("wan", other=OTHER, other_text=FOREIGN_TEXT, chosen=chosen, **change))
    assert [problem.path for problem in problems] == ["/nodes/denoise/inputs/positive"] * condition


def test_a_mask_keeps_what_is_known_of_its_latent(workbench: Workbench) -> None:
    masked = {
        "type": "mask_latent",
        "inputs": {"vae": link("models", "vae"), "latent": link("size", "latent"), "clip": link("pattern", "clip")},
    }
    document = graph("wan", pattern=CLIP, masked=masked, **wired("denoise", latent=link("masked", "latent")))
    assert workbench.problems(document) == []
    document = graph(
        "wan", other=OTHER, pattern=CLIP, masked=masked, **wired("denoise", latent=link("masked", "latent"))
    )
    document["nodes"]["masked"]["inputs"]["vae"] = link("other", "vae")
    document["nodes"]["denoise"]["inputs"] |= {
        "model": link("other", "model"),
        "negative": link("text", "conditioning"),
    }
    document["nodes"]["text"]["inputs"]["encoder"] = link("other", "text_encoder")
    paths = {problem.path for problem in workbench.problems(document)}
    assert paths == {"/nodes/masked/inputs/vae", "/nodes/denoise/inputs/latent", "/nodes/decode/inputs/vae"}


def test_a_run_with_a_foreign_autoencoder_ends_before_any_node_began(home: Path, tmp_path: Path) -> None:
    kinegraph = CommandLine(home, tmp_path)
    document = graph("wan", other=OTHER, **wired("decode", vae=link("other", "vae")))
    (tmp_path / "flow.json").write_text(json.dumps(document), encoding="utf-8")
    done = kinegraph("run", "flow.json", "--json")
    assert done.returncode == 2
    [problem] = json.loads(done.stdout)["problems"]  # and no event of a node
    assert problem["path"] == "/nodes/decode/inputs/vae"
    assert problem["hint"] == "connect the autoencoder of tiny, which the latent is made for"
