"""Settings come from the environment, once, and a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.settings import Settings, SettingsError


def test_every_setting_can_be_given_by_an_environment_variable(tmp_path: Path) -> None:
    environment = {
        "KINEGRAPH_HOME": str(tmp_path / "home"),
        "KINEGRAPH_CUSTOM_NODES": str(tmp_path / "packs"),
        "KINEGRAPH_PORT": "9000",
        "KINEGRAPH_CANCEL_GRACE_S": "2.5",
        "KINEGRAPH_DEVICE": "cuda:1",
        "KINEGRAPH_MAX_PIXELS": "2000000",
    }
    settings = Settings.load(environment)
    assert settings.home == tmp_path / "home"
    assert settings.custom_nodes == tmp_path / "packs"
    assert (settings.port, settings.cancel_grace_s, settings.device) == (9000, 2.5, "cuda:1")
    assert settings.max_pixels == 2_000_000
    assert settings.folders.outputs == tmp_path / "home" / "outputs"


def test_a_wrong_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KINEGRAPH_PORT='many'"):
        Settings.load({"KINEGRAPH_HOME": str(tmp_path), "KINEGRAPH_PORT": "many"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "99999"),
        ("PORT", "-1"),
        ("DEVICE", "foo"),
        ("DEVICE", "cuda:x"),
        ("DISK_CACHE_BYTES", "-1"),
        ("MAX_QUEUE", "0"),
        ("CANCEL_GRACE_S", "nan"),
    ],
)
def test_a_value_that_nothing_can_be_done_with_is_refused_at_once(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"(?i){name}"):
        Settings.load({"KINEGRAPH_HOME": str(tmp_path), f"KINEGRAPH_{name}": value})


def test_a_home_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="set KINEGRAPH_HOME"):
        Settings.load({"KINEGRAPH_HOME": str(tmp_path / "file")}).create_folders()


def test_folders_are_made_on_demand(tmp_path: Path) -> None:
    environment = {"KINEGRAPH_HOME": str(tmp_path / "a" / "b"), "KINEGRAPH_CUSTOM_NODES": str(tmp_path / "packs")}
    settings = Settings.load(environment)
    assert not settings.home.exists()
    settings.create_folders()
    assert settings.cache.is_dir()
    assert settings.folders.models.is_dir()
