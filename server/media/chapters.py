"""Chapters: named parts of a clip, kept through cuts, joins and changes of speed; out of files and into them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .types import Chapter, Clip

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

_MILLISECOND = Fraction(1, 1000)


def move_chapters(
    chapters: Iterable[Chapter], *, speed: Fraction = Fraction(1), by_s: Fraction = Fraction(0)
) -> tuple[Chapter, ...]:
    """Return chapters of a clip that is ``speed`` times as fast and starts ``by_s`` seconds later."""
    return tuple(Chapter(one.start_s / speed + by_s, one.end_s / speed + by_s, one.title) for one in chapters)


def cut_chapters(chapters: Iterable[Chapter], start_s: Fraction, end_s: Fraction | None) -> tuple[Chapter, ...]:
    """Return what is left of chapters when a clip is cut to the time from ``start_s`` to ``end_s``."""
    moved = move_chapters(chapters, by_s=-start_s)
    last_s = None if end_s is None else end_s - start_s
    kept = [
        Chapter(max(Fraction(0), one.start_s), one.end_s if last_s is None else min(one.end_s, last_s), one.title)
        for one in moved
    ]
    return tuple(one for one in kept if one.start_s < one.end_s)


def join_chapters(clips: Iterable[tuple[Clip, Fraction]]) -> tuple[Chapter, ...]:
    """Return the chapters of clips, each of which starts at its own time."""
    return tuple(chapter for clip, start_s in clips for chapter in move_chapters(clip.chapters, by_s=start_s))


def mirror_chapters(chapters: Iterable[Chapter], duration_s: Fraction | None) -> tuple[Chapter, ...]:
    """Return the chapters of a clip that runs backwards; none when its length is not known."""
    if duration_s is None:
        return ()
    inside = cut_chapters(chapters, Fraction(0), duration_s)
    return tuple(Chapter(duration_s - one.end_s, duration_s - one.start_s, one.title) for one in reversed(inside))


def read_chapters(container: InputContainer, origin_s: Fraction) -> tuple[Chapter, ...]:
    """Return a file's chapters, counted from ``origin_s`` on the file's own clock."""
    found: list[Chapter] = []
    for entry in container.chapters():
        base = entry["time_base"]
        if base:
            found.append(Chapter(entry["start"] * base, entry["end"] * base, entry["metadata"].get("title", "")))
    return cut_chapters(found, origin_s, None)


def write_chapters(container: OutputContainer, chapters: Iterable[Chapter]) -> None:
    """Give chapters to a file before its first packet, to the millisecond."""
    entries: list[Any] = [
        {
            "id": number,
            "start": round(one.start_s / _MILLISECOND),
            "end": round(one.end_s / _MILLISECOND),
            "time_base": _MILLISECOND,
            "metadata": {"title": one.title},
        }
        for number, one in enumerate(chapters, start=1)
    ]
    container.set_chapters(entries)
