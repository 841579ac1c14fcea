"""Every codec in every container that holds it, at every depth, read by Debian's ffprobe and ffmpeg.

The rows of the table in docs/guide/media.md are these ways, and `test_the_guide_lists_every_way` keeps them so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.media.codecs import CODECS
from server.media.decode import load_alpha, load_clip
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.probe import probe
from server.media.types import Audio, Chapter, Clip
from tests.machine import skip_unless

FPS = Fraction(24000, 1001)
COUNT = 13
SIDE = 128
WORKFLOW = json.dumps({"prompt": "海の上の赤い舟 é 🚣" * 20}, ensure_ascii=False)
CHAPTERS = (Chapter(Fraction(0), Fraction(1, 4), "One"), Chapter(Fraction(1, 4), Fraction(1, 2), "Zwei & drei"))
LEVELS = np.array([0, 85, 170, 255], np.uint8)
COLORS = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS), axis=-1).reshape(-1, 3)
CHART = COLORS.reshape(8, 8, 3).repeat(16, axis=0).repeat(16, axis=1)


@dataclass(frozen=True)
class Way:
    """One way to write a clip: a row of the table in the guide."""

    codec: str
    suffix: str
    pixel_format: str
    alpha: bool = False

    @property
    def id(self) -> str:
        return f"{self.codec}{self.suffix}-{self.pixel_format}"

    @property
    def bits(self) -> int:
        digits = self.pixel_format.rpartition("p")[2].removesuffix("le")
        return int(digits) if digits.isdigit() else 8


WAYS = [
    *(Way("h264", suffix, "yuv420p") for suffix in (".mp4", ".mov", ".m4v", ".mkv")),
    *(Way("h264", ".mp4", kind) for kind in ("yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le")),
    *(Way("h265", suffix, "yuv420p") for suffix in (".mp4", ".mov", ".mkv")),
    *(Way("h265", ".mp4", kind) for kind in ("yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le", "yuv444p12le")),
    *(Way("av1", suffix, kind) for suffix in (".mp4", ".webm", ".mkv") for kind in ("yuv420p", "yuv420p10le")),
    *(Way("vp9", suffix, "yuv420p") for suffix in (".webm", ".mkv")),
    Way("vp9", ".webm", "yuv444p"),
    Way("vp9", ".webm", "yuva420p", alpha=True),
    *(Way("prores", suffix, "yuv422p10le") for suffix in (".mov", ".mkv")),
    Way("prores", ".mov", "yuv444p10le"),
    Way("prores", ".mov", "yuva444p10le", alpha=True),
    *(Way("ffv1", ".mkv", kind) for kind in ("bgr0", "gbrp16le", "yuv420p10le")),
    *(Way("ffv1", ".mkv", kind, alpha=True) for kind in ("bgra", "gbrap16le")),
]


def opacity() -> np.ndarray:
    """Return frames (COUNT, SIDE, SIDE) that are clearer to the left and get clearer with time."""
    return (np.arange(SIDE)[None, None, :] + 5 * np.arange(COUNT)[:, None, None]).repeat(SIDE, axis=1).astype(np.uint8)


def make_clip() -> Clip:
    seconds = COUNT / FPS
    time = np.arange(round(seconds * 48000), dtype=np.float32) / 48000
    tone = np.sin(2 * np.pi * 440 * time, dtype=np.float32)[None].repeat(2, axis=0) * np.float32(0.4)
    clip = Clip.from_array(np.broadcast_to(CHART, (COUNT, SIDE, SIDE, 3)), FPS, audio=Audio(tone, 48000))
    return clip.derive(clip.producer, chapters=CHAPTERS)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Way], Path]:
    """Return a way to the file of each row, which is written once at the best quality."""
    folder = tmp_path_factory.mktemp("ways")

    def write(way: Way) -> Path:
        path = folder / f"{way.id}{way.suffix}"
        if not path.exists():
            lossy = CODECS[way.codec].default_crf is not None
            alpha = Clip.from_array(opacity()[..., None].repeat(3, axis=3), FPS) if way.alpha else None
            write_video(
                path,
                make_clip(),
                codec=way.codec,
                crf=1 if lossy else None,
                pixel_format=way.pixel_format,
                alpha=alpha,
                metadata={"workflow": WORKFLOW},
            )
        return path

    return write


def tool(name: str) -> str:
    program = shutil.which(name)
    skip_unless(program is not None, f"{name} is not installed, so there is no second witness")
    return str(program)


def describe(path: Path) -> dict[str, Any]:
    command = [tool("ffprobe"), "-v", "error", "-of", "json", "-count_frames", "-show_format", "-show_streams"]
    done = subprocess.run([*command, "-show_chapters", str(path)], capture_output=True, check=True, encoding="utf-8")
    told = json.loads(done.stdout)
    streams = {stream["codec_type"]: stream for stream in told["streams"]}
    return {"format": told["format"], "chapters": told["chapters"], **streams}


def raw(path: Path, kind: str, *more: str, decoder: tuple[str, ...] = ()) -> np.ndarray:
    """Return all samples of a file as ffmpeg decodes it."""
    command = [tool("ffmpeg"), "-v", "error", *decoder, "-i", str(path), *more, "-f", "rawvideo", "-pix_fmt", kind, "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint16 if kind.endswith("le") else np.uint8)


def planes(path: Path, kind: str) -> list[np.ndarray]:
    """Return the first frame's Y, Cb and Cr as ffmpeg decodes them, each sampled at the middle of the patches."""
    samples = raw(path, kind, "-frames:v", "1")
    shrink = (2 if "420" in kind else 1, 1 if "444" in kind else 2)
    sizes = [(SIDE, SIDE), *[(SIDE // shrink[0], SIDE // shrink[1])] * 2]
    found: list[np.ndarray] = []
    for height, width in sizes:
        plane, samples = samples[: height * width].reshape(height, width), samples[height * width :]
        down, right = 16 * height // SIDE, 16 * width // SIDE
        found.append(plane[down // 2 :: down, right // 2 :: right].ravel())
    return found


def bt709(bits: int) -> np.ndarray:
    """Return the limited-range YCbCr of the chart's colours, after ITU-R BT.709-6, sections 3.2 to 3.5."""
    red, green, blue = COLORS.astype(float).T / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    codes = [16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748]
    return np.stack(codes) * 2 ** (bits - 8)


every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.id)


@every_way
def test_an_independent_reader_finds_what_was_written(way: Way, written: Callable[[Way], Path]) -> None:
    told = describe(written(way))
    video, sound = told["video"], told["audio"]
    assert int(video["nb_read_frames"]) == COUNT
    assert (video["width"], video["height"]) == (SIDE, SIDE)
    assert Fraction(video["avg_frame_rate"]) == FPS
    assert abs(Fraction(told["format"]["duration"]) - COUNT / FPS) < 1 / FPS
    tags = [video.get(f"color_{name}") for name in ("range", "space", "transfer", "primaries")]
    is_yuv = way.pixel_format.startswith("yuv")
    assert tags == (["tv", "bt709"] if is_yuv else ["pc", "gbr"]) + ["bt709", "bt709"]
    assert (sound["channels"], sound["sample_rate"]) == (2, "48000")
    written_tags = {key.lower(): value for key, value in told["format"]["tags"].items()}
    assert written_tags["workflow"] == WORKFLOW
    marks = [(one["tags"]["title"], float(one["start_time"]), float(one["end_time"])) for one in told["chapters"]]
    assert marks == [("One", 0, 0.25), ("Zwei & drei", 0.25, 0.5)]


@every_way
def test_sound_and_frames_end_together(way: Way, written: Callable[[Way], Path]) -> None:
    # What comes before the first frame is the coder's run-up, which players leave out by its time.
    heard = ["-af", "atrim=start=0", "-f", "f32le", "-ac", "1", "-"]
    command = [tool("ffmpeg"), "-v", "error", "-i", str(written(way)), *heard]
    samples = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
    assert abs(len(samples) / 48000 - COUNT / FPS) < 1 / FPS
    time = np.arange(4000, 20000) / 48000
    phase = np.angle(np.sum(samples[4000:20000] * np.exp(-2j * np.pi * 440 * time))) + np.pi / 2
    # The tone began with the first frame, as exactly as the container can count: MKV and WebM in milliseconds.
    clock_s = 1e-4 if way.suffix in {".mp4", ".mov", ".m4v"} else 1e-3
    assert abs(np.angle(np.exp(1j * phase))) < 2 * np.pi * 440 * clock_s


@every_way
def test_a_color_chart_comes_back_within_a_level(way: Way, written: Callable[[Way], Path]) -> None:
    path = written(way)
    clip = load_clip(path)
    assert clip.chapters == CHAPTERS
    frame = next(clip.frames()).astype(float) / (257 if clip.dtype == "uint16" else 1)
    worst = np.abs(frame[8::16, 8::16].reshape(-1, 3) - COLORS).max()
    lossless = CODECS[way.codec].lossless and not way.pixel_format.startswith("yuv")
    assert worst <= (0 if lossless else 1)
    if way.pixel_format.startswith("yuv"):
        kind = way.pixel_format.replace("yuva", "yuv")
        stored = np.stack(planes(path, kind)) / 2 ** (way.bits - 8)
        assert np.abs(stored - bt709(8)).max() <= 0.55


with_alpha = pytest.mark.parametrize("way", [way for way in WAYS if way.alpha], ids=lambda way: way.id)


@with_alpha
def test_transparency_is_kept(way: Way, written: Callable[[Way], Path]) -> None:
    path = written(way)
    # ffmpeg's own VP9 decoder does not know of transparency.
    decoder = ("-c:v", "libvpx-vp9") if way.codec == "vp9" else ()
    deep = way.bits > 8
    seen = raw(path, "gray16le" if deep else "gray", "-vf", "alphaextract", decoder=decoder)
    seen = seen.reshape(COUNT, SIDE, SIDE) / (257 if deep else 1)
    assert np.abs(seen - opacity()).max() <= (4 if way.codec == "vp9" else 1)
    clip = load_alpha(path)
    ours = np.concatenate(list(clip.chunks()))[..., 0] / (257 if clip.dtype == "uint16" else 1)
    assert np.abs(ours - opacity()).max() <= (4 if way.codec == "vp9" else 0 if way.codec == "ffv1" else 0.3)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_the_index_comes_first_where_players_want_it(suffix: str, written: Callable[[Way], Path]) -> None:
    data = written(Way("h264", suffix, "yuv420p")).read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def test_every_codec_and_container_is_a_row() -> None:
    assert {(way.codec, way.suffix) for way in WAYS} >= {
        (name, suffix) for name, codec in CODECS.items() for suffix in codec.suffixes if suffix != ".m4v"
    }


def test_a_lossless_file_keeps_all_bits_of_a_deep_clip(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (3, 32, 33, 3), np.uint16)
    write_video(tmp_path / "deep.mkv", Clip.from_array(pixels, 24), codec="ffv1")
    np.testing.assert_array_equal(np.concatenate(list(load_clip(tmp_path / "deep.mkv").chunks())), pixels)


@pytest.mark.parametrize("fps", [12, Fraction(30000, 1001), 60, 120])
@pytest.mark.parametrize(
    "kind", [("h264", ".mp4"), ("h264", ".mkv"), ("vp9", ".webm"), ("prores", ".mov")], ids="".join
)
def test_long_sound_does_not_drift(kind: tuple[str, str], fps: Fraction | int, tmp_path: Path) -> None:
    count = round(10 * fps)
    still = np.broadcast_to(np.uint8(90), (count, 16, 16, 3))
    clicks = np.zeros((1, round(Fraction(count) / fps * 48000)), np.float32)
    clicks[:, ::48000] = 0.9
    path = tmp_path / f"a{kind[1]}"
    write_video(path, Clip.from_array(still, fps, audio=Audio(clicks, 48000)), codec=kind[0])
    back = load_clip(path)
    assert back.audio is not None
    # The file is as long as the frames are, to a frame or to the 1024 samples that AAC comes in.
    assert abs(Fraction(describe(path)["format"]["duration"]) - count / Fraction(fps)) <= max(1 / Fraction(fps), 0.022)
    loud = np.abs(back.audio.samples[0])
    for second in range(10):
        around = loud[max(0, second * 48000 - 2400) : second * 48000 + 2400]
        peak = int(np.argmax(around)) + max(0, second * 48000 - 2400)
        assert abs(peak - second * 48000) <= 48  # a millisecond


def test_without_a_card_the_software_encodes_and_says_so(tmp_path: Path) -> None:
    told: list[str] = []
    info = write_video(tmp_path / "a.mp4", make_clip(), on_card=told.append)
    assert info.video is not None
    assert info.video.frame_count == COUNT
    # On a machine whose card works nothing is said.
    assert all("software" in message and "h264" in message for message in told)
    write_video(tmp_path / "a.mkv", make_clip(), codec="ffv1", on_card=told.append)
    assert "ffv1" in told[-1]


@pytest.mark.gpu
@pytest.mark.parametrize("codec", [name for name, codec in CODECS.items() if codec.hardware])
def test_a_card_encodes_the_same_clip(codec: str, tmp_path: Path) -> None:
    told: list[str] = []
    info = write_video(tmp_path / "a.mp4", make_clip(), codec=codec, crf=1, on_card=told.append)
    if told:
        pytest.skip(told[0])
    assert info.video is not None
    frame = next(load_clip(tmp_path / "a.mp4").frames()).astype(float)
    assert np.abs(frame[8::16, 8::16].reshape(-1, 3) - COLORS).max() <= 4


def test_transparency_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    clip = make_clip()
    gray = Clip.from_array(np.zeros((COUNT, SIDE, SIDE, 3), np.uint8), FPS)
    short = Clip.from_array(np.zeros((2, SIDE, SIDE, 3), np.uint8), FPS)
    slow = gray.derive(gray.producer, fps=Fraction(12))
    for codec, name, alpha in (("h264", "a.mp4", gray), ("ffv1", "a.mkv", slow), ("ffv1", "a.mkv", short)):
        with pytest.raises(MediaError) as caught:
            write_video(tmp_path / name, clip, codec=codec, alpha=alpha)
        assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_what_is_read_back_is_told(written: Callable[[Way], Path]) -> None:
    info = probe(written(WAYS[0]))
    assert (info.workflow, info.chapters) == (WORKFLOW, CHAPTERS)


GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide" / "media.md"
_SOUND = {"aac": "AAC", "libopus": "Opus", "pcm_s16le": "PCM 16", "flac": "FLAC"}


def row_of(way: Way) -> str:
    """Return a way as a row of the guide's table."""
    digits = "".join(filter(str.isdigit, way.pixel_format.partition("p")[0]))
    chroma = f"4:{digits[1]}:{digits[2]}" if way.pixel_format.startswith("yuv") else "RGB"
    sound = _SOUND[CODECS[way.codec].audio_encoder]
    cells = [way.codec, way.suffix, str(way.bits), chroma, "yes" if way.alpha else "", sound, "yes", "yes"]
    return f"| {' | '.join(cells)} | [`{way.id}`](../../tests/media/test_matrix.py) |".replace("|  |", "| |")


def test_the_guide_lists_every_way() -> None:
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| codec | file |"))
    table = [line for line in lines[start + 2 : start + 2 + len(WAYS) + 1] if line.startswith("|")]
    assert table == [row_of(way) for way in WAYS]
