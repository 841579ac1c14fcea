"""A model folder of the user's is described like a starter, and what is wrong with it is said before anything runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from nodes.models import STARTERS
from tests.nodes.workbench import Workbench


@pytest.fixture
def workbench(tmp_path: Path) -> Any:
    bench = Workbench(tmp_path)
    yield bench
    bench.close()


def document(folder: str) -> dict[str, Any]:
    model = {"link": ["models", "model"]}
    return {
        "kinegraph": 1,
        "outputs": {"latent": {"node": "size", "output": "latent"}},
        "nodes": {
            "models": {"type": "load_model", "version": 2, "inputs": {"model": folder}},
            "size": {"type": "empty_latent_video", "version": 1, "inputs": {"model": model, "width": 64}},
        },
    }


def test_a_folder_inside_the_models_folder_is_a_model(workbench: Workbench) -> None:
    shutil.copytree(STARTERS / "text_to_video", workbench.folders.models / "mine" / "boat")
    assert workbench.problems(document("mine/boat")) == []
    result = workbench.run(document("mine/boat"))
    assert result.failed == ()
    assert result.outputs["latent"].width == 64


@pytest.mark.parametrize(
    ("folder", "words"), [("../secret", "outside"), ("nowhere", "nowhere"), ("empty", "model_index.json")]
)
def test_a_folder_that_is_no_model_is_refused_at_its_knob(workbench: Workbench, folder: str, words: str) -> None:
    (workbench.folders.models / "empty").mkdir()
    problems = workbench.problems(document(folder))
    assert {problem.path for problem in problems} == {"/nodes/models/inputs/model"}
    assert words in " ".join(problem.message + problem.hint for problem in problems)
