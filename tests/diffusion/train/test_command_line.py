"""The documented commands, one after the other, as a person would run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.diffusion.train.__main__ import main
from server.diffusion.train.export import MANIFEST, export_model


def test_train_export_and_evaluate_follow_one_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run, model, sheet, scores = (tmp_path / name for name in ("run", "model", "sheet.png", "scores.json"))
    assert main(["run", "--out", str(run), "--steps", "1"]) == 0
    assert main(["run", "--out", str(run), "--steps", "2", "--resume", "--fresh-optimizer"]) == 0
    assert main(["export", "--run", str(run), "--model", str(model)]) == 0
    words = ["--prompts", "2", "--steps", "1", "--sheet", str(sheet), "--json", str(scores)]
    assert main(["evaluate", "--model", str(model), *words]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(scores.read_text(encoding="utf-8"))
    assert set(printed["from_first_frame"]) >= {"color", "subject", "all"}
    assert set(printed["model"]) >= {"color", "setting", "subject", "action", "camera", "light", "mood", "all"}
    assert sheet.stat().st_size > 1000
    assert main(["evaluate", "--model", str(model), "--prompts", "0", "--steps", "1"]) == 0
    free = json.loads(capsys.readouterr().out)
    assert len(free["sentences"]) == 20
    assert free["shown"]["subject"].endswith(" of 19")
    assert main(["export", "--run", str(run), "--model", str(model), "--metrics", str(scores)]) == 0
    assert json.loads((model / MANIFEST).read_text(encoding="utf-8"))["metrics"] == printed


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")  # slower on a CPU, and no harm
def test_size_length_batch_and_precision_can_be_chosen(tmp_path: Path):
    sizes = ["--resolution", "32", "--frames", "5", "--heads", "1", "--layers", "1", "--batch-factor", "2", "--half"]
    assert main(["run", "--out", str(tmp_path), "--steps", "20", *sizes]) == 0
    settings = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (settings["resolution"], settings["frames"]) == (32, 5)
    assert (settings["size"]["heads"], settings["size"]["layers"]) == (1, 1)
    record = json.loads((tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert record["step"] == 20
    assert record["clips"] >= 20 * 2 * 6


def test_exporting_before_training_says_what_to_do(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="train one with the `run` command"):
        export_model(tmp_path, tmp_path / "model")
