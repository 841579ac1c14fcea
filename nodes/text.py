"""Nodes that turn prompts into conditioning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from nodes import Conditioning, Context, Image, Text, TextEncoder, node
from nodes.blame import blaming
from nodes.origins import Origin, origin

if TYPE_CHECKING:
    from server.media.types import Array


@node(category="text", uses="gpu", aliases=("prompt", "negative prompt", "conditioning", "CLIP", "T5"))
def encode_text(
    encoder: TextEncoder,
    image: Image | None = None,
    *,
    text: Annotated[str, Text(multiline=True, placeholder="what to show")] = "",
    ctx: Context,
) -> Conditioning:
    """Encode a prompt into the conditioning that guides a denoiser.

    Use one of these for the prompt, and a second for the negative prompt: what the video shall not show.

    Args:
        encoder: The text encoder of the model that will denoise.
        image: The picture that the video begins with, for the prompt of a model whose text encoder sees it
            (HunyuanVideo's image to video). Leave it unconnected for the negative prompt, and for all other models.
        text: The prompt. A warning names words that the model does not know, and says when the end is cut off.

    Returns:
        The encoded prompt, for `positive` or `negative` of a denoise node.
    """
    from server.diffusion import text as encoding

    pixels = None if image is None else _pixels(image)
    with blaming("encoder" if image is None else "image"):
        for message, hint in _losses(encoder, text, ctx.device):
            ctx.warn(message, "text", hint)
        return encoding.encode_text(encoder, text, pixels, device=ctx.device)


@encode_text.foretell
def _same_model(encoder: TextEncoder) -> Origin:
    return origin(encoder)


def _pixels(image: Image) -> Array:
    from server.media.colors import convert_dtype

    return convert_dtype(image.pixels, "float32")


def _losses(encoder: TextEncoder, text: str, device: str) -> Iterator[tuple[str, str]]:
    """Yield what of the prompt the model will not see, and what to do about it."""
    from server.diffusion import text as encoding

    unknown = encoding.unknown_words(encoder, text, device=device)
    if unknown:
        yield f"{encoder.name} does not know and leaves out: {', '.join(unknown)}", _known(encoder.source.about())
    count, most = encoding.token_count(encoder, text, device=device), encoder.capabilities.prompt_tokens
    if count > most:
        yield f"the prompt has {count} tokens, and {encoder.name} reads {most}; the end is cut off", "shorten it"


def _known(about: dict[str, Any]) -> str:
    """Say what a model with a closed vocabulary knows, as its manifest tells."""
    examples, vocabulary = about.get("examples"), about.get("vocabulary", {})
    if not examples:
        return "use simpler words"
    lists = [", ".join(vocabulary[kind]) for kind in ("subjects", "colors") if kind in vocabulary]
    return "; ".join([f"a prompt that it knows is {examples[0]!r}", *(f"it knows {words}" for words in lists)])
