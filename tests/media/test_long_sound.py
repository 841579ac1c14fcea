"""Long sound lies on disk and is mapped as it is read: the same samples, little memory, no file left open."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from server.media import samples as store_module
from server.media import spool
from server.media.audio import fit_audio, join_audio, read_audio, resample_audio, silence
from server.media.audio_files import write_audio
from server.media.decode import load_clip
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.loudness import normalize_loudness
from server.media.mixing import apply_gain, fade_audio, mix_audio
from server.media.pattern import pattern_clip
from server.media.samples import SampleStore, held_bytes, let_go_of_pages
from server.media.stretch import stretch_audio
from server.media.timing import reverse_clip
from server.media.types import Audio, Clip
from tests.machine import small_disk


@pytest.fixture
def long_from(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a way to say from how many bytes on sound counts as long."""
    return lambda size: monkeypatch.setattr(store_module, "IN_MEMORY_BYTES", size)


def gather(blocks: list[np.ndarray]) -> np.ndarray:
    with SampleStore(blocks[0].shape[0]) as store:
        for block in blocks:
            store.add(block)
        return store.samples()


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("limit", [10**9, 5000, 0])
def test_a_store_gives_back_what_was_put_in(channels: int, limit: int, long_from: Callable[[int], None]) -> None:
    long_from(limit)
    random = np.random.default_rng(0)
    blocks = [random.standard_normal((channels, size)).astype(np.float32) for size in (1024, 1, 700, 1024)]
    joined = gather(blocks)
    assert joined.flags.writeable
    assert np.array_equal(joined, np.concatenate(blocks, axis=1))
    let_go_of_pages(joined[:, 100:200])
    assert np.array_equal(joined, np.concatenate(blocks, axis=1))


def test_a_store_may_be_empty_and_may_hold_silence(long_from: Callable[[int], None]) -> None:
    long_from(1000)
    with SampleStore(2) as store:
        assert store.samples().shape == (2, 0)
        store.add_silence(100_000)
        store.add_silence(-5)
        assert not store.samples().any()
        assert store.samples().shape == (2, 100_000)


def test_sound_read_from_a_file_is_the_same_in_memory_and_on_disk(
    tmp_path: Path, chirp: Any, long_from: Callable[[int], None], open_files: Callable[[Path], int]
) -> None:
    write_audio(tmp_path / "chirp.wav", chirp(3.0, channels=2))
    spans: list[dict[str, Any]] = [{}, {"start_s": 0.5, "duration_s": 1}, {"origin_s": Fraction(-1), "duration_s": 2}]
    short = [read_audio(tmp_path / "chirp.wav", **span) for span in spans]
    long_from(1000)
    for span, expected in zip(spans, short, strict=True):
        found = read_audio(tmp_path / "chirp.wav", **span)
        assert found is not None
        assert expected is not None
        assert np.array_equal(found.samples, expected.samples)
    assert open_files(tmp_path) == 0


def test_a_clip_with_long_sound_is_saved_and_stored_like_any_other(
    tmp_path: Path, small_clip: Clip, chirp: Any, long_from: Callable[[int], None]
) -> None:
    clip = small_clip.derive(small_clip.producer, audio=chirp(1.0, channels=2))
    write_video(tmp_path / "a.mkv", clip, codec="ffv1")
    plain = load_clip(tmp_path / "a.mkv")
    long_from(1000)
    mapped = load_clip(tmp_path / "a.mkv")
    write_video(tmp_path / "b.mkv", mapped, codec="ffv1")
    spool.write(mapped, tmp_path / "stored")
    assert plain.audio is not None
    for back in (load_clip(tmp_path / "b.mkv"), spool.read(tmp_path / "stored")):
        assert back.audio is not None
        assert np.array_equal(back.audio.samples, plain.audio.samples)


def test_a_full_disk_for_temporary_files_is_told(
    tmp_path: Path, chirp: Any, long_from: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_audio(tmp_path / "chirp.wav", chirp(3.0, channels=2))
    long_from(1000)
    with small_disk(tmp_path / "small", "64k") as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk))
        with pytest.raises(MediaError, match="the disk is full") as caught:
            read_audio(tmp_path / "chirp.wav")
        assert str(disk) in caught.value.hint
        assert list(disk.iterdir()) == []


def test_minutes_of_sound_take_little_memory(tmp_path: Path, long_from: Callable[[int], None]) -> None:
    long_from(2**20)
    minute = np.sin(np.arange(48000 * 60, dtype=np.float32) / 20)[None].repeat(2, axis=0)
    write_audio(tmp_path / "tone.wav", Audio(np.tile(minute, (1, 4)), 48000))
    process = psutil.Process()
    before = process.memory_info().rss
    sound = read_audio(tmp_path / "tone.wav")
    assert sound is not None
    assert sound.samples.nbytes == 4 * 60 * 48000 * 2 * 4  # 88 MiB
    for start in range(0, sound.samples.shape[1], 2**18):
        assert np.abs(sound.samples[:, start : start + 2**18]).max() > 0.5
        let_go_of_pages(sound.samples)
    assert process.memory_info().rss - before < sound.samples.nbytes / 2


def test_what_is_made_of_long_sound_is_what_is_made_of_short(chirp: Any, long_from: Callable[[int], None]) -> None:
    sound, other = chirp(3.0, channels=2), chirp(1.5, channels=1)

    def made() -> dict[str, Audio]:
        clip = pattern_clip(16, 16, fps=8, frame_count=24).derive(lambda: iter(()), audio=sound)
        turned = reverse_clip(clip).audio
        assert turned is not None
        return {
            "gain": apply_gain(sound, -6),
            "fades": fade_audio(sound, in_s=1.7, out_s=1.3),
            "mix": mix_audio([(sound, 0), (other, 2.25), (sound, Fraction(5))]),
            "resampled": resample_audio(sound, 44100, 1),
            "stretched": stretch_audio(sound, Fraction(3, 2)),
            "longer": fit_audio(sound, Fraction(7)),
            "joined": join_audio([sound, silence(2, 48000, 2), sound]),
            "reversed": turned,
            "loud": normalize_loudness(sound, target_lufs=-30),
        }

    short = made()
    assert np.array_equal(short["reversed"].samples, sound.samples[:, ::-1])
    assert np.array_equal(short["joined"].samples[:, :144000], sound.samples)
    assert not short["joined"].samples[:, 144000:240000].any()
    assert np.array_equal(short["mix"].samples[:, 240000:], sound.samples)
    assert np.abs(short["fades"].samples[:, 81600]).max() == np.abs(sound.samples[:, 81600]).max(), (
        "1.7 s: at its height"
    )
    long_from(1000)
    for name, found in made().items():
        assert np.array_equal(found.samples, short[name].samples), name


def test_minutes_of_sound_are_edited_in_little_memory(tmp_path: Path, long_from: Callable[[int], None]) -> None:
    long_from(2**20)
    minute = np.sin(np.arange(48000 * 60, dtype=np.float32) / 20)[None].repeat(2, axis=0) * np.float32(0.2)
    sound = Audio(gather([minute] * 4), 48000)
    del minute
    process = psutil.Process()
    before = process.memory_info().rss
    mixed = mix_audio([(apply_gain(sound, -3), 0), (fade_audio(sound, in_s=2, out_s=3), 1), (silence(300), 0)])
    edited = fit_audio(stretch_audio(resample_audio(mixed, 44100, 2), Fraction(2)), Fraction(200))
    write_audio(tmp_path / "edited.flac", normalize_loudness(edited))
    assert process.memory_info().rss - before < sound.samples.nbytes / 2  # 88 MiB, of which there were ten
    back = read_audio(tmp_path / "edited.flac")
    assert back is not None
    assert back.duration_s == 200
    assert np.abs(back.samples[:, 44100 * 60 : 44100 * 61]).max() > 0.05
    assert np.abs(back.samples[:, 44100 * 155 :]).max() < 1e-4


def test_hours_of_silence_take_nothing() -> None:
    quiet = silence(36_000, channels=8)
    assert quiet.duration_s == 36_000
    assert held_bytes(quiet.samples) == 0
    assert held_bytes(np.zeros((2, 100), np.float32)) == 800
