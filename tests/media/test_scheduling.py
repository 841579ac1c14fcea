"""What encoders do to the scheduling of this process's threads; SVT-AV1 does it where it is allowed, as to root."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from server.media.encode import write_video
from server.media.types import Clip


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program ask how its threads are scheduled")
def test_no_thread_becomes_a_real_time_one(tmp_path: Path, small_clip: Clip) -> None:
    seen: set[int] = set()

    def look(done: int, total: int | None) -> None:
        del done, total
        seen.update(os.sched_getscheduler(int(thread.name)) for thread in Path("/proc/self/task").iterdir())

    write_video(tmp_path / "a.mp4", small_clip, codec="av1", preset="ultrafast", progress=look)
    assert seen == {os.sched_getscheduler(0)} == {os.SCHED_OTHER}
