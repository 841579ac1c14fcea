"""Errors of the diffusion library; each says what is wrong and what to do about it.

No error of diffusers or torch is renamed here for its own sake: these are for conditions that a user can put right.
"""

from __future__ import annotations


class DiffusionError(Exception):
    """A condition that the user can put right.

    Attributes:
        message: What is wrong, in one sentence.
        hint: What to do next; empty when the message says it all.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class WeightsError(DiffusionError):
    """A model folder that cannot be used: missing, cut, unsafe or of an unknown family."""


class SamplingError(DiffusionError):
    """Settings of a denoising run that contradict each other or the latent."""


class SizeError(DiffusionError):
    """A width, height or number of frames that the model cannot make."""


class BudgetError(DiffusionError):
    """A model that does not fit the memory budget of its device."""
