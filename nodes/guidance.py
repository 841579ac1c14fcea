"""The node that says how a prompt is followed, beyond how strictly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from nodes import Advanced, Guidance, InputProblem, NodeInputError, Number, ShownIf, Slider, Text, node

Method = Literal["cfg", "cfg_zero_star", "apg", "skip_layer"]


@node(
    category="sampling",
    instant=True,
    aliases=("CFG", "classifier-free", "CFG-Zero", "APG", "SLG", "skip layer", "guider", "rescale", "interval"),
)
def guidance(
    *,
    method: Method = "cfg",
    start: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 0.0,
    stop: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 1.0,
    rescale: Annotated[float, Slider(0.0, 1.0, step=0.05)] = 0.0,
    zero_steps: Annotated[int, Number(min=0, max=10), ShownIf("method", ("cfg_zero_star",))] = 1,
    momentum: Annotated[float, Slider(-1.0, 0.99, step=0.05), ShownIf("method", ("apg",))] = -0.5,
    norm: Annotated[float, Slider(0.0, 100.0, step=0.5), ShownIf("method", ("apg",))] = 15.0,
    eta: Annotated[float, Slider(0.0, 1.0, step=0.05), ShownIf("method", ("apg",))] = 0.0,
    layers: Annotated[str, Text(placeholder="9, 10"), ShownIf("method", ("skip_layer",))] = "9",
    layer_scale: Annotated[float, Slider(0.0, 10.0, step=0.1), ShownIf("method", ("skip_layer",))] = 2.8,
    layer_start: Annotated[float, Slider(0.0, 1.0, step=0.01), ShownIf("method", ("skip_layer",)), Advanced()] = 0.01,
    layer_stop: Annotated[float, Slider(0.0, 1.0, step=0.01), ShownIf("method", ("skip_layer",)), Advanced()] = 0.2,
) -> Guidance:
    """Choose how a denoiser follows the prompt: when, and by which formula. Its strength stays with the denoiser.

    Args:
        method: `cfg` is plain guidance; `cfg_zero_star` corrects the prediction without the prompt, for flow models;
            `apg` keeps strong guidance from over-saturating; `skip_layer` moves away from what a weaker network makes.
        start: Share of the steps before which the prompt is followed without guidance.
        stop: Share of the steps after which it is again, which saves half of their time.
        rescale: How far to bring the contrast back that guidance adds; 0.7 is usual for models that overexpose.
        zero_steps: First steps that are not taken, since an undertrained flow's first prediction does harm.
        momentum: Weight of earlier steps' directions; negative damps swings, 0 keeps none.
        norm: Longest allowed difference between the predictions; 0 is any.
        eta: How much of the difference along the prediction itself is kept; it is what over-saturates.
        layers: Blocks of the network to leave out, counted from 0, such as "9" or "7, 8, 9".
        layer_scale: How strongly to move away from the network without these layers.
        layer_start: Share of the steps before which no layers are skipped.
        layer_stop: Share of the steps after which no layers are skipped.

    Returns:
        The guidance, for a denoise node.
    """
    for problem in _problems(method, start, stop, layers, layer_start, layer_stop):
        raise NodeInputError(problem.input, problem.message, problem.hint)
    return Guidance(
        method=method,
        start=start,
        stop=stop,
        rescale=rescale,
        zero_steps=zero_steps,
        momentum=momentum,
        norm=norm,
        eta=eta,
        layers=tuple(_numbers(layers)) if method == "skip_layer" else (),
        layer_scale=layer_scale,
        layer_start=layer_start,
        layer_stop=layer_stop,
    )


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.replace(",", " ").split()]


def _problems(
    method: str, start: float, stop: float, layers: str, layer_start: float, layer_stop: float
) -> Iterator[InputProblem]:
    for name, begin, end in (("start", start, stop), ("layer_start", layer_start, layer_stop)):
        if begin >= end and (name == "start" or method == "skip_layer"):
            yield InputProblem(name, f"{name} {begin:g} is not before the end, {end:g}", "lower it, or raise the end")
    if method != "skip_layer":
        return
    words = layers.replace(",", " ").split()
    wrong = [word for word in words if not word.isdecimal()]
    if wrong:
        yield InputProblem("layers", f"{wrong[0]!r} is no number of a layer", "write numbers, such as 7, 8, 9")
    elif not words:
        yield InputProblem("layers", "no layer is named", "name at least one, such as 9")


guidance.check(_problems)
