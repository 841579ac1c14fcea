"""Which of torch's attentions training uses."""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


@contextmanager
def attention_that_trains_fast(device: str) -> Generator[None]:
    """Takes plain products and a softmax on a CPU, and what torch chooses elsewhere.

    The fused attention of a CPU saves memory, which 272 tokens do not need, and its way back is slow: four times as
    slow as the plain one from 272 tokens to the 32 of a text.

    Args:
        device: Type of the device, such as "cpu" or "cuda".
    """
    if device != "cpu":
        yield
        return
    # Else the plain one computes in float32 even under autocast.
    allowed = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(allowed)
