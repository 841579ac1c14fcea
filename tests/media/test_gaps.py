"""Sound stays in step with its file's clock: gaps, repetitions, trembling clocks, torn beginnings."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from server.media import audio as audio_module
from server.media.audio import read_audio
from server.media.decode import load_clip
from server.media.errors import MediaError
from server.media.looks import sound_peaks
from server.media.types import Audio

RATE = 48000
TONE_S = 3.52
"""Where the tone begins in the files with a gap: volume changes at the first frame of sound after 3.5 s."""

_SOUNDS = {
    "gap.mkv": "-c:v libx264 -c:a pcm_s16le",
    "gap.mp4": "-c:v libx264 -c:a aac",
    "gap.ts": "-c:v libx264 -c:a aac",
    "gap.webm": "-c:v libvpx -c:a libopus",
    "gap.flv": "-c:v flv1 -c:a aac",
    "gap.mpg": "-c:v mpeg2video -c:a mp2",
}


def onset_s(audio: Audio) -> float:
    return float((np.abs(audio.samples[0]) > 0.03).argmax()) / audio.sample_rate


@pytest.mark.parametrize("name", _SOUNDS)
def test_what_comes_after_a_gap_is_in_step(name: str, tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    path = tmp_path / name
    gap = "[0:a]volume='if(lt(t,3.5),0,1)':eval=frame,aselect='lt(t,1)+gte(t,3)'[a]"
    inputs = ["-f", "lavfi", "-i", "sine=1000:r=48000:d=6", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=6"]
    ffmpeg(*inputs, "-filter_complex", gap, "-map", "1:v", "-map", "[a]", *_SOUNDS[name].split(), path)
    for start_s, duration_s in ((0, None), (2, 2), (3, None)):
        sound = load_clip(path, start_s=start_s, duration_s=duration_s).audio
        assert sound is not None
        assert start_s + onset_s(sound) == pytest.approx(TONE_S, abs=0.015)
    within = load_clip(path, start_s=1.4, duration_s=1).audio
    assert within is not None
    assert not within.samples.any()


def timed(path: Path, starts: list[tuple[int, int]], ticks: int = RATE) -> np.ndarray:
    """Write noise of which each part begins at a time in ``ticks`` a second; return the parts, one after the other.

    Args:
        path: A NUT file, which keeps any times.
        starts: The time of each part, and how many samples it has.
        ticks: Of the file's clock.
    """
    noise = np.random.default_rng(0).integers(-9000, 9000, sum(count for _, count in starts), np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        stream.time_base = Fraction(1, ticks)
        position = 0
        for time, count in starts:
            packet = av.Packet(noise[position : position + count].tobytes())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, time, time, Fraction(1, ticks)
            container.mux(packet)
            position += count
    return noise.astype(np.float32) / 32768


def read(path: Path, **span: float) -> np.ndarray:
    sound = read_audio(path, **span)  # pyright: ignore[reportArgumentType]
    assert sound is not None
    return sound.samples[0]


def test_a_trembling_clock_neither_adds_nor_drops(tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    starts = [(n * 20 + int(dice.integers(0, 15)), 960) for n in range(200)]
    whole = timed(tmp_path / "a.nut", starts, ticks=1000)
    np.testing.assert_array_equal(read(tmp_path / "a.nut"), whole)


def test_a_gap_is_filled_to_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "a.nut"
    whole = timed(path, [(0, 4800), (4800, 4800), (48000, 4800)])
    expected = np.concatenate([whole[:9600], np.zeros(38400, np.float32), whole[9600:]])
    np.testing.assert_array_equal(read(path), expected)
    np.testing.assert_array_equal(read(path, start_s=0.15, duration_s=0.9), expected[7200:50400])
    np.testing.assert_array_equal(read(path, start_s=0.5), expected[24000:])
    np.testing.assert_array_equal(read(path, duration_s=0.5), expected[:24000])


def test_what_comes_twice_is_left_out(tmp_path: Path) -> None:
    whole = timed(tmp_path / "a.nut", [(0, 9600), (4800, 9600), (14400, 4800)])
    expected = np.concatenate([whole[:9600], whole[14400:]])
    np.testing.assert_array_equal(read(tmp_path / "a.nut"), expected)


def test_recordings_one_after_the_other_are_read_whole(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    one, both = tmp_path / "one.ogg", tmp_path / "both.ogg"
    ffmpeg("-f", "lavfi", "-i", f"sine=440:r={RATE}:d=15", "-c:a", "libvorbis", one)
    both.write_bytes(one.read_bytes() * 2)
    assert len(read(both)) / RATE == pytest.approx(30, abs=0.1)


def test_a_gap_that_no_file_has_is_a_clock_that_jumped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_module, "MAX_LEAD_BYTES", RATE * 4)
    whole = timed(tmp_path / "a.nut", [(0, 4800), (RATE * 2, 4800), (RATE * 2 + 4800, 4800)])
    np.testing.assert_array_equal(read(tmp_path / "a.nut"), whole)


# torn packets


@pytest.fixture
def program(tmp_path: Path, ffmpeg: Callable[..., None]) -> Path:
    """Return a program stream of a rising tone beside a picture, 12 s long."""
    path = tmp_path / "a.mpg"
    chirp = f"aevalsrc=0.3*sin(2*PI*(300*t+20*t*t)):s={RATE}:d=12"
    picture = "testsrc2=s=320x240:r=25:d=12"
    ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", chirp, "-c:v", "mpeg2video", "-c:a", "mp2", path)
    return path


@pytest.mark.parametrize("start_s", [1.4, 2, 5.3, 11])
def test_a_program_stream_is_read_from_anywhere(program: Path, start_s: float) -> None:
    origin_s = Fraction(1, 2)
    whole = read_audio(program, origin_s=origin_s)
    part = read_audio(program, origin_s=origin_s, start_s=start_s, duration_s=0.5)
    assert whole is not None
    assert part is not None
    first = round(start_s * RATE)
    np.testing.assert_allclose(part.samples, whole.samples[:, first : first + RATE // 2], atol=1e-4)


def test_a_capture_may_begin_in_the_middle_of_a_packet(program: Path, tmp_path: Path) -> None:
    data = program.read_bytes()
    for number in range(8):
        torn = tmp_path / f"torn{number}.mpg"
        torn.write_bytes(data[len(data) // 3 + number * 1777 :])
        assert np.abs(read(torn)).max() > 0.25
        assert max(sound_peaks(torn, 8)) > 0.25


@pytest.mark.parametrize("bad", [range(60, 65), range(1000)])
def test_damage_after_the_beginning_and_nothing_but_damage_are_told(
    bad: range, tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    ffmpeg("-f", "lavfi", "-i", f"sine=440:r={RATE}:d=3", "-c:a", "mp2", tmp_path / "a.mkv")
    damage(tmp_path / "a.mkv", tmp_path / "b.mkv", bad)
    with pytest.raises(MediaError, match="cut off"):
        read_audio(tmp_path / "b.mkv")


def damage(source: Path, target: Path, bad: range) -> None:
    """Copy sound; the packets whose numbers are in ``bad`` become such as no decoder takes."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(given.streams.audio[0])
        timed_packets = (packet for packet in given.demux(given.streams.audio[0]) if packet.pts is not None)
        for number, packet in enumerate(timed_packets):
            copy = av.Packet(b"\xff" * 30) if number in bad else packet
            copy.pts, copy.dts, copy.time_base, copy.stream = packet.pts, packet.dts, packet.time_base, stream
            made.mux(copy)
