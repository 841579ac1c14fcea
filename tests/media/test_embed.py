"""The workflow inside of animations, pictures and sound, found by others and by us; every kind of sound file."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from server.media.animation import write_animation
from server.media.audio import read_audio
from server.media.audio_files import SUFFIXES, write_audio
from server.media.embed import workflow_in_comment, workflow_in_xmp
from server.media.pattern import pattern_clip
from server.media.pictures import read_image, read_image_tags, write_image
from server.media.probe import read_tags
from server.media.types import Image
from tests.media.test_matrix import tool

# Longer than a block of GIF's, with what XML and text files trip over.
WORKFLOW = json.dumps({"prompt": "<b> & \"海 é\" 'x' </k:workflow> \\ = ; # " * 40}, ensure_ascii=False)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_carries_its_workflow(suffix: str, tmp_path: Path) -> None:
    plain, path = tmp_path / f"plain{suffix}", tmp_path / f"a{suffix}"
    clip = pattern_clip(63, 47, fps=Fraction(12), frame_count=7)
    write_animation(plain, clip)
    write_animation(path, clip, workflow=WORKFLOW)
    with PIL.Image.open(path) as picture, PIL.Image.open(plain) as bare:
        found = picture.info["comment" if suffix == ".gif" else "xmp"]
        assert picture.n_frames == bare.n_frames == 7
        for number in range(7):
            picture.seek(number)
            bare.seek(number)
            np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), np.asarray(bare.convert("RGB")))
    read = workflow_in_comment(found.decode()) if suffix == ".gif" else workflow_in_xmp(found)
    assert read == read_image_tags(path)["workflow"] == WORKFLOW
    assert "workflow" not in read_image_tags(plain)
    if suffix == ".gif":
        command = [
            tool("ffprobe"),
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            "stream=nb_read_frames",
            "-of",
            "csv",
        ]
        assert "7" in subprocess.run([*command, str(path)], capture_output=True, check=True, encoding="ascii").stdout


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_picture_carries_its_workflow(suffix: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    write_image(tmp_path / f"a{suffix}", Image(pixels), metadata={"workflow": WORKFLOW})
    assert read_image_tags(tmp_path / f"a{suffix}")["workflow"] == WORKFLOW
    assert read_image(tmp_path / f"a{suffix}").pixels.shape == pixels.shape


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sound_carries_its_workflow_and_comes_back(suffix: str, tmp_path: Path, chirp: Any) -> None:
    sound, path = chirp(1.5, channels=2), tmp_path / f"a{suffix}"
    write_audio(path, sound, metadata={"workflow": WORKFLOW, "title": "Ton é"})
    tags = read_tags(path)
    assert (tags["workflow"], tags["title"]) == (WORKFLOW, "Ton é")
    command = [tool("ffprobe"), "-v", "error", "-of", "json", "-show_format", "-show_streams", str(path)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout)
    seen = {**told["streams"][0].get("tags", {}), **told["format"].get("tags", {})}
    seen = {key.lower(): value for key, value in seen.items()}
    assert seen.get("workflow", seen.get("comment", "").removeprefix("workflow=")) == WORKFLOW
    assert abs(float(told["format"]["duration"]) - 1.5) < 0.06
    back = read_audio(path)
    assert back is not None
    assert (back.sample_rate, back.channels) == (48000, 2)
    wanted, got = sound.samples[0, 4000:60000], back.samples[0]
    # Coders have a run-up, and readers leave it out: nothing is late.
    match = [float(np.dot(wanted, got[4000 + lag : 60000 + lag])) for lag in range(-1200, 1201)]
    assert abs(int(np.argmax(match)) - 1200) <= (0 if suffix in {".wav", ".flac"} else 8)
    assert max(match) > 0.98 * float(np.dot(wanted, wanted))


@pytest.mark.parametrize(("suffix", "rate", "channels"), [(".mp3", 48000, 2), (".opus", 48000, 6), (".m4a", 48000, 6)])
def test_sound_that_a_file_cannot_have_is_converted(
    suffix: str, rate: int, channels: int, tmp_path: Path, chirp: Any
) -> None:
    write_audio(tmp_path / f"a{suffix}", chirp(0.5, rate=30000, channels=6))
    back = read_audio(tmp_path / f"a{suffix}")
    assert back is not None
    assert (back.sample_rate, back.channels) == (rate, channels)


def test_a_strange_comment_or_packet_holds_no_workflow() -> None:
    assert workflow_in_comment("Made with GIMP") is None
    assert workflow_in_xmp(b"<x:xmpmeta>\xff</x:xmpmeta>") is None
