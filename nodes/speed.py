"""The node that says what a run does to be faster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from nodes import Advanced, InputProblem, NodeInputError, Number, ShownIf, Slider, Speed, Text, node

Cache = Literal["none", "first_block", "sea", "taylor", "mag"]
Attention = Literal["auto", "native", "flex", "flash", "sage", "xformers"]

_BY_CHANGE = ("first_block", "sea", "mag")


@node(
    category="sampling",
    instant=True,
    aliases=("TeaCache", "first block cache", "FBCache", "MagCache", "TaylorSeer", "SeaCache", "torch.compile", "sage"),
)
def speed(
    *,
    cache: Cache = "first_block",
    threshold: Annotated[float, Slider(0.0, 1.0, step=0.01), ShownIf("cache", _BY_CHANGE)] = 0.1,
    interval: Annotated[int, Slider(2, 10), ShownIf("cache", ("taylor",))] = 3,
    order: Annotated[int, Slider(0, 2), ShownIf("cache", ("taylor",))] = 1,
    warmup: Annotated[int, Number(min=0, max=100), Advanced()] = 3,
    ratios: Annotated[str, Text(multiline=True, placeholder="1.0, 0.98, ..."), ShownIf("cache", ("mag",))] = "",
    attention: Annotated[Attention, Advanced()] = "auto",
    compile_blocks: Annotated[bool, Advanced()] = False,
) -> Speed:
    """Make a denoiser faster at the cost of exactness. The guide to sampling says what each way costs.

    Args:
        cache: What is not computed anew at every step. `first_block` skips a step when the first block's result has
            hardly changed; `sea` judges by the picture's own change; `taylor` computes every few steps and continues
            the rest as a series; `mag` skips by ratios that were measured for the model.
        threshold: How much change is passed over; more is faster and coarser.
        interval: Of how many steps one is computed.
        order: Of the series that stands for the steps between.
        warmup: Steps at the beginning that are always computed.
        ratios: The model's ratios, one a step or fewer, as its MagCache calibration printed them.
        attention: Which kernel computes attention; all but `native` and `flex` have to be installed.
        compile_blocks: Compile the network's blocks; the first step then takes minutes, the others less than before.

    Returns:
        The settings, for a denoise node.
    """
    for problem in _problems(cache, ratios):
        raise NodeInputError(problem.input, problem.message, problem.hint)
    return Speed(
        cache=cache,
        threshold=threshold,
        interval=interval,
        order=order,
        warmup=warmup,
        ratios=tuple(float(word) for word in _words(ratios)) if cache == "mag" else (),
        attention=attention,
        compile=compile_blocks,
    )


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _problems(cache: str, ratios: str) -> Iterator[InputProblem]:
    if cache != "mag":
        return
    words = _words(ratios)
    wrong = [word for word in words if not word.replace(".", "", 1).isdecimal()]
    if wrong:
        yield InputProblem("ratios", f"{wrong[0]!r} is no ratio", "write numbers such as 1.0, 0.98, 0.97")
    elif not words:
        message = "MagCache needs ratios that were measured for the model"
        yield InputProblem("ratios", message, "paste them, or use first_block, which measures while it runs")


speed.check(_problems)
