"""What holds for every built-in node: it is explained, connected, coloured, and light to import."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys

import pytest

from server.kit.catalogue import Catalogue, load_catalogue
from server.kit.definition import NodeDefinition
from server.kit.values import Artifact

CATALOGUE = load_catalogue()
HEAVY = ("torch", "av", "numpy", "PIL", "diffusers", "transformers", "safetensors")


def test_the_pack_loads_whole() -> None:
    assert CATALOGUE.failures == ()
    assert {"load_starter", "encode_text", "empty_latent_video", "denoise", "vae_decode", "vae_encode"} <= set(
        CATALOGUE.nodes
    )


@pytest.mark.parametrize("definition", CATALOGUE.nodes.values(), ids=lambda definition: definition.id)
def test_every_node_and_socket_is_explained(definition: NodeDefinition) -> None:
    assert definition.help
    assert definition.aliases, "people look for a node by other words too"
    for socket in (*definition.inputs, *definition.outputs):
        assert socket.help, f"{definition.id} says nothing about {socket.name!r}"
        assert socket.help.endswith("."), socket.help


def test_every_node_that_computes_on_a_device_takes_its_turn_at_it() -> None:
    computing = {
        definition.id
        for definition in CATALOGUE.nodes.values()
        if definition.call is not None and "ctx.device" in inspect.getsource(definition.call)
    }
    assert computing == {definition.id for definition in CATALOGUE.nodes.values() if definition.uses == "gpu"}


def test_every_color_is_its_own() -> None:
    colors = [socket.color for socket in CATALOGUE.sockets.values()]
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors)
    assert len(set(colors)) == len(colors)


def test_every_wire_can_be_made_by_some_node_and_used_by_another() -> None:
    made = {socket.type for definition in CATALOGUE.nodes.values() for socket in definition.outputs}
    used = {socket.type for definition in CATALOGUE.nodes.values() for socket in definition.inputs if socket.wire}
    assert {"Model", "TextEncoder", "Vae", "Conditioning", "Latent", "Clip", "Image"} <= made & used
    assert Artifact.__name__ in made


def test_the_catalogue_survives_its_way_to_the_server() -> None:
    data = CATALOGUE.to_json()
    assert Catalogue.from_json(json.loads(json.dumps(data))).to_json() == data


def test_loading_the_nodes_loads_no_heavy_library() -> None:
    script = (
        "import sys; from server.kit.catalogue import load_catalogue; c = load_catalogue();"
        f"assert not c.failures, c.failures; print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
