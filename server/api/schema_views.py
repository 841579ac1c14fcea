"""Payload types of looks at files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from server.api.schema import Payload


class FileFacts(Payload):
    """What a media file is."""

    kind: Literal["video", "image", "audio"]
    width: Annotated[int, Field(description="In pixels, as it is shown; 0 for sound.")]
    height: int
    fps: Annotated[str, Field(description="Frames a second, exactly, such as 24000/1001; empty where there are none.")]
    frame_count: Annotated[int, Field(description="Exact; 1 for a picture, 0 for sound.")]
    duration_s: Annotated[float, Field(description="In seconds; 0 for a picture.")]
    codec: str
    has_sound: bool


class StripQuery(Payload):
    """How many frames a strip has; a video with fewer gives fewer."""

    frames: Annotated[int, Field(ge=1, le=64)] = 16


class PeaksQuery(Payload):
    """In how many stretches of equal length the sound is measured."""

    count: Annotated[int, Field(ge=1, le=4000)] = 400


class PeaksAnswer(Payload):
    """The largest amplitude in each stretch, from 0 to 1; empty where there is no sound."""

    peaks: list[float]
