"""The kinds of wires: name, color, how the disk cache keeps them, and the memory that they hold. No nodes here."""

from __future__ import annotations

from typing import cast

from nodes import Audio, Clip, Conditioning, Guidance, Image, Latent, Mask, Model, SocketType, Speed, TextEncoder, Vae
from nodes.codecs import AudioCodec, ClipCodec, ConditioningCodec, ImageCodec, LatentCodec, MaskCodec

_STREAM_BYTES = 4096
"""A clip is a description of how to make its frames; these live as long as they pass."""


def _tensor_bytes(value: object) -> int:
    return cast("Conditioning | Latent", value).nbytes


def _clip_bytes(value: object) -> int:
    audio = cast("Clip", value).audio
    return _STREAM_BYTES + (_audio_bytes(audio) if audio else 0)


def _image_bytes(value: object) -> int:
    return int(cast("Image", value).pixels.nbytes)


def _mask_bytes(value: object) -> int:
    return int(cast("Mask", value).values.nbytes)


def _audio_bytes(value: object) -> int:
    from server.media.samples import held_bytes

    return held_bytes(cast("Audio", value).samples)


# Descriptions of weights have no codec: they are made again in no time, and hold paths of this machine.
SOCKET_TYPES: tuple[SocketType, ...] = (
    SocketType("Model", Model, "#b39ddb", "A denoiser: which weights, at what precision."),
    SocketType("TextEncoder", TextEncoder, "#f2c14e", "What turns prompts into conditioning."),
    SocketType("Vae", Vae, "#ef6f6c", "What turns pixels into latents and back."),
    SocketType(
        "Conditioning",
        Conditioning,
        "#ff9f45",
        "An encoded prompt that guides a denoiser.",
        ConditioningCodec(),
        _tensor_bytes,
    ),
    SocketType("Guidance", Guidance, "#e8a33d", "How strictly, when and in what way a prompt is followed."),
    SocketType("Speed", Speed, "#7bd88f", "What a run does to be faster."),
    SocketType("Latent", Latent, "#f78fd0", "A video in a model's own space.", LatentCodec(), _tensor_bytes),
    SocketType("Clip", Clip, "#4fc3f7", "Frames with their rate, colors and sound.", ClipCodec(), _clip_bytes),
    SocketType("Image", Image, "#5c8df6", "One picture.", ImageCodec(), _image_bytes),
    SocketType("Mask", Mask, "#a5d66f", "Which part of a picture is meant.", MaskCodec(), _mask_bytes),
    SocketType("Audio", Audio, "#4dd0a5", "Sound.", AudioCodec(), _audio_bytes),
)
