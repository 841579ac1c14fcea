"""Nodes that turn prompts into conditioning."""

from __future__ import annotations

from typing import Annotated

from nodes import Conditioning, Context, Text, TextEncoder, node
from nodes.blame import blaming


@node(category="text", uses="gpu", aliases=("prompt", "negative prompt", "conditioning", "CLIP", "T5"))
def encode_text(
    encoder: TextEncoder,
    *,
    text: Annotated[str, Text(multiline=True, placeholder="what to show")] = "",
    ctx: Context,
) -> Conditioning:
    """Encode a prompt into the conditioning that guides a denoiser.

    Use one of these for the prompt, and a second for the negative prompt: what the video shall not show.

    Args:
        encoder: The text encoder of the model that will denoise.
        text: The prompt. Words that the model does not know are named in a warning.

    Returns:
        The encoded prompt, for `positive` or `negative` of a denoise node.
    """
    from server.diffusion import text as encoding

    with blaming("encoder"):
        unknown = encoding.unknown_words(encoder, text, device=ctx.device)
        if unknown:
            words = ", ".join(unknown)
            ctx.warn(f"{encoder.name} does not know: {words}", "text", "it ignores these words; use simpler ones")
        return encoding.encode_text(encoder, text, device=ctx.device)
