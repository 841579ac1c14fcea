"""The values that travel between diffusion nodes: descriptions of weights, conditioning, latents.

Light on purpose: importing this module loads no torch, so that the catalogue of nodes can name these types. Loading
weights, encoding and sampling live in the modules beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from server.diffusion.source import Source

if TYPE_CHECKING:
    from torch import Tensor

MAIN = "video"
"""Name of the latent that every family has; others (sound) ride along under their own names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can make and how it likes to be asked.

    Attributes:
        family: Name of the family's adapter, such as "wan".
        latent_channels: Channels of the main latent.
        spatial_scale: Pixels along one side of a latent cell.
        temporal_scale: Pixel frames in one latent frame, the first latent frame excepted.
        size_multiple: Width and height are multiples of this many pixels.
        max_size: Longest side in pixels that the position embedding covers.
        max_frames: Most pixel frames that the position embedding covers.
        fixed_width: Pixels, of a model that makes this width alone; 0 is any.
        fixed_height: Pixels, of a model that makes this height alone; 0 is any.
        frame_multiple: Pixel frames are 1 plus a multiple of this many; 0 is the temporal scale.
        latent_frame_multiple: Latent frames are padded at the beginning to a multiple of this many.
        latent_frames_before: Latent frames that precede the clip's, and are left out after decoding.
        prompt_tokens: Tokens that a prompt is padded or cut to.
        batched_cfg: Whether guidance runs both branches in one batch.
        embedded_guidance: Whether the guidance scale is an input of the network, which then takes one forward a step.
        strength_rounds_up: Whether a denoise strength runs the step that it covers in part; otherwise it is left out.
        prompt_image: Whether its text encoder has to see the picture that a clip begins with.
        images: Which images it can be conditioned on: "first" and "last" frame.
        keyframes: Whether it takes images at any other frame as well.
        required_images: Which of them it cannot do without.
        experts: Subfolders of the denoisers that share a run, from high noise to low.
        boundary: Share of the training timesteps below which the second expert takes over.
        default_width: Pixels.
        default_height: Pixels.
        default_frames: Pixel frames.
        default_fps: Frames a second at which the model was trained.
        default_steps: Solver steps.
        default_guidance_scale: 1 means no guidance.
        default_guidance_scale_2: The second expert's; None is the same as the first's.
        default_shift: Shift of the sigma schedule.
    """

    family: str
    latent_channels: int
    spatial_scale: int
    temporal_scale: int
    size_multiple: int
    max_size: int
    max_frames: int
    fixed_width: int = 0
    fixed_height: int = 0
    frame_multiple: int = 0
    latent_frame_multiple: int = 1
    latent_frames_before: int = 0
    prompt_tokens: int
    batched_cfg: bool = False
    embedded_guidance: bool = False
    strength_rounds_up: bool = False
    prompt_image: bool = False
    images: tuple[str, ...] = ()
    keyframes: bool = False
    required_images: tuple[str, ...] = ()
    experts: tuple[str, ...] = ("transformer",)
    boundary: float = 0.0
    default_width: int
    default_height: int
    default_frames: int
    default_fps: Fraction
    default_steps: int
    default_guidance_scale: float
    default_guidance_scale_2: float | None = None
    default_shift: float

    def legal_size(self, pixels: int) -> int:
        """Return the nearest width or height that the model can make."""
        multiple = self.size_multiple
        nearest = max(multiple, round(pixels / multiple) * multiple)
        return min(nearest, self.max_size // multiple * multiple)

    def legal_frames(self, frames: int) -> int:
        """Return the smallest legal number of pixel frames that is not below `frames`, up to the model's most."""
        frames = min(max(1, frames), self.max_frames)
        wanted = 1 + math.ceil((frames - 1) / self.frame_step) * self.frame_step
        return wanted if wanted <= self.max_frames else wanted - self.frame_step

    @property
    def frame_step(self) -> int:
        """Pixel frames between one legal length and the next."""
        return self.frame_multiple or self.temporal_scale

    def latent_frames(self, frames: int) -> int:
        """Return how many latent frames hold `frames` pixel frames."""
        return (frames - 1) // self.temporal_scale + 1

    def padded_frames(self, latent_frames: int) -> int:
        """Return how many latent frames a latent of a clip has in all, those before the clip's included."""
        latent_frames += self.latent_frames_before
        return latent_frames + -latent_frames % self.latent_frame_multiple

    def pixel_frames(self, latent_frames: int) -> int:
        """Return how many pixel frames `latent_frames` latent frames decode to."""
        return (latent_frames - 1) * self.temporal_scale + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """A small change of a network, at some strength.

    Attributes:
        file: Absolute path. Not compared: the digest says what is in it.
        digest: Hex digest of the file.
        name: Name for people.
        strength: Of its effect; 0 is none.
        component: The one denoiser that it changes, where there are several; empty changes all.
    """

    file: str = field(compare=False)
    digest: str
    name: str
    strength: float
    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One component of a model on disk: a description, never the tensors. Cheap to make, hash and compare.

    Attributes:
        source: Where its files are, and those of the model's other components. Not compared: the digest says what is
            in this component's files, wherever they are.
        digest: Hex digest of the component's files, so that changed files are another component.
        name: Name for people.
        dtype: "auto", "float32", "bfloat16" or "float16"; auto depends on the device.
        capabilities: What the model can make.
        loras: Changes on top of the weights, in order.
    """

    source: Source = field(compare=False, repr=False)
    digest: str
    name: str
    dtype: str = "auto"
    capabilities: Capabilities
    loras: tuple[Lora, ...] = ()

    @property
    def family(self) -> str:
        """Name of the family's adapter."""
        return self.capabilities.family


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Weights):
    """The denoiser with its scheduler's configuration.

    Attributes:
        expert: Subfolder of the one denoiser to load, where there are several; empty stands for the first.
    """

    expert: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoder(Weights):
    """The text encoder with its tokenizer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vae(Weights):
    """The autoencoder between pixels and latents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEncoder(Weights):
    """The encoder that describes an image to the denoiser, beside what the autoencoder keeps of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conditioning:
    """What steers a denoiser: an encoded prompt, images, later controls as well.

    Attributes:
        family: Name of the family whose encoder made it.
        text: The prompt as it was typed.
        tensors: By name, on the CPU; "embeds" is (batch, tokens, width).
        empty: What guidance starts from: the same for an empty prompt, and what images mean there. A negative
            conditioning replaces those of them that it has.
    """

    family: str
    text: str
    tensors: Mapping[str, Tensor]
    empty: Mapping[str, Tensor] = field(default_factory=dict[str, "Tensor"])

    @property
    def nbytes(self) -> int:
        """Bytes that the tensors hold."""
        return _nbytes(self.tensors) + _nbytes(self.empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """How the predictions with and without the prompt become one, beyond their strength.

    Attributes:
        method: "cfg" (Ho and Salimans 2022), "cfg_zero_star" (Fan et al. 2025), "apg" (Sadat et al. 2024) or
            "skip_layer" (as in Stable Diffusion 3.5).
        start: Share of the steps, 0 to 1, before which the prompt is followed without guidance.
        stop: Share of the steps after which it is again.
        rescale: How far the result's spread is brought back to the prediction's, 0 to 1 (Lin et al. 2023, 3.4).
        zero_steps: Of cfg_zero_star: first steps that are not taken at all.
        momentum: Of apg: weight of earlier steps' directions; negative damps them, 0 keeps none.
        norm: Of apg: longest allowed difference of the predictions; 0 is any.
        eta: Of apg: how much of the difference along the prediction itself is kept.
        layers: Of skip_layer: blocks of the network that are left out in the third prediction, from 0.
        layer_scale: Of skip_layer: how strongly to move away from that prediction.
        layer_start: Of skip_layer: share of the steps before which it is not used.
        layer_stop: Of skip_layer: share of the steps after which it is not used.
    """

    method: str = "cfg"
    start: float = 0.0
    stop: float = 1.0
    rescale: float = 0.0
    zero_steps: int = 1
    momentum: float = 0.0
    norm: float = 15.0
    eta: float = 1.0
    layers: tuple[int, ...] = ()
    layer_scale: float = 2.8
    layer_start: float = 0.01
    layer_stop: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a run does to be faster, at the cost of exactness.

    Attributes:
        cache: What is not computed anew at every step: "none", "first_block" (First Block Cache), "sea" (SeaCache),
            "taylor" (TaylorSeer) or "mag" (MagCache).
        threshold: Of all but taylor: how much change is passed over; more is faster and coarser.
        interval: Of taylor: of how many steps one is computed.
        order: Of taylor: of the series that stands for the others, 0 to 2.
        warmup: Steps at the beginning that are always computed.
        ratios: Of mag: how much smaller a step's residual is than the one before, measured for the model.
        attention: "auto", or the attention kernel by diffusers' name.
        compile: Whether to compile the network's repeated blocks; the first step then takes minutes.
    """

    cache: str = "none"
    threshold: float = 0.1
    interval: int = 3
    order: int = 1
    warmup: int = 3
    ratios: tuple[float, ...] = ()
    attention: str = "auto"
    compile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Latent:
    """A clip in a model's latent space, normalised as the model expects it.

    Attributes:
        family: Name of the family whose space it is in.
        samples: By name, on the CPU; "video" is (batch, channels, frames, height, width) float32.
        noise_level: Sigma of the noise that it still holds: 1 is an empty latent (its values are not read), 0 is
            clean, between them it was denoised in part.
        width: Pixels.
        height: Pixels.
        frames: Pixel frames.
        fps: Frames a second of the decoded clip.
        mask: What of the main latent may change, (1, 1, frames, height, width) of zeros and ones; None is all of it.
    """

    family: str
    samples: Mapping[str, Tensor]
    noise_level: float
    width: int
    height: int
    frames: int
    fps: Fraction
    mask: Tensor | None = None

    @property
    def empty(self) -> bool:
        """Whether it is only a shape, to be filled with noise."""
        return self.noise_level >= 1.0

    @property
    def video(self) -> Tensor:
        """The main latent, (batch, channels, frames, height, width)."""
        return self.samples[MAIN]

    @property
    def nbytes(self) -> int:
        """Bytes that the tensors hold."""
        return _nbytes(self.samples) + (0 if self.mask is None else _nbytes({"mask": self.mask}))


def _nbytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
