"""ESRGAN's network of residual dense blocks (Wang et al., arXiv 1809.00219), as Real-ESRGAN's x4plus models use it.

Sizes are read off the tensors. Files in the names of the first ESRGAN are renamed. Source of the layout:
https://github.com/XPixelGroup/BasicSR, basicsr/archs/rrdbnet_arch.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

_SHARE = 0.2  # of a residual that is added


class _DenseBlock(nn.Module):
    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        widths = (growth, growth, growth, growth, channels)
        self.conv1, self.conv2, self.conv3, self.conv4, self.conv5 = (
            nn.Conv2d(channels + index * growth, width, 3, 1, 1) for index, width in enumerate(widths)
        )

    def forward(self, seen: Tensor) -> Tensor:
        known = seen
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            known = torch.cat([known, _bent(layer(known))], 1)
        return self.conv5(known) * _SHARE + seen


class _Block(nn.Module):
    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_DenseBlock(channels, growth) for _ in range(3))

    def forward(self, seen: Tensor) -> Tensor:
        return self.rdb3(self.rdb2(self.rdb1(seen))) * _SHARE + seen


class Esrgan(nn.Module):
    """Residual dense blocks at the source's size (or a half or quarter of it), enlarged twice by nearest neighbor.

    Args:
        channels: Width.
        growth: Channels that each layer of a dense block adds.
        blocks: How many.
        scale: How many times larger the result is: 4, or 2 or 1 when pixels are gathered first.
    """

    def __init__(self, channels: int = 64, growth: int = 32, blocks: int = 23, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self._gathered = 4 // scale
        self.conv_first = nn.Conv2d(3 * self._gathered**2, channels, 3, 1, 1)
        self.body = nn.Sequential(*(_Block(channels, growth) for _ in range(blocks)))
        self.conv_body, self.conv_up1, self.conv_up2, self.conv_hr = (
            nn.Conv2d(channels, channels, 3, 1, 1) for _ in range(4)
        )
        self.conv_last = nn.Conv2d(channels, 3, 3, 1, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """Enlarge frames.

        Args:
            frames: In [0, 1], shaped (N, 3, H, W); sides are multiples of `multiple`.

        Returns:
            Frames about in [0, 1], shaped (N, 3, H * scale, W * scale).
        """
        seen = functional.pixel_unshuffle(frames, self._gathered) if self._gathered > 1 else frames
        hidden = self.conv_first(seen)
        hidden = hidden + self.conv_body(self.body(hidden))
        for layer in (self.conv_up1, self.conv_up2):
            hidden = _bent(layer(functional.interpolate(hidden, scale_factor=2, mode="nearest")))
        return self.conv_last(_bent(self.conv_hr(hidden)))

    @property
    def multiple(self) -> int:
        """What a picture's sides have to be multiples of."""
        return self._gathered


def _bent(tensor: Tensor) -> Tensor:
    return functional.leaky_relu(tensor, 0.2)


_OLD = (
    (re.compile(r"^model\.0\."), "conv_first."),
    (re.compile(r"^model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\."), r"body.\1.rdb\2.conv\3."),
    (re.compile(r"^model\.1\.sub\.\d+\.(?=weight|bias)"), "conv_body."),
    (re.compile(r"^model\.3\."), "conv_up1."),
    (re.compile(r"^model\.6\."), "conv_up2."),
    (re.compile(r"^model\.8\."), "conv_hr."),
    (re.compile(r"^model\.10\."), "conv_last."),
    (re.compile(r"^RRDB_trunk\.(\d+)\.RDB(\d)\."), r"body.\1.rdb\2."),
    (re.compile(r"^trunk_conv\."), "conv_body."),
    (re.compile(r"^upconv(\d)\."), r"conv_up\1."),
    (re.compile(r"^HRconv\."), "conv_hr."),
)


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under this network's names, whichever of ESRGAN's layouts they are in."""
    kept: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        plain = name.removeprefix("params_ema.").removeprefix("params.")
        for pattern, word in _OLD:
            plain, count = pattern.subn(word, plain)
            if count:
                break
        kept[plain] = tensor
    return kept


def built_for(tensors: Mapping[str, Tensor]) -> Esrgan:
    """Return a network with the sizes of these tensors, loaded.

    Raises:
        KeyError: A tensor is missing.
        RuntimeError: The tensors are of another network.
    """
    own = renamed(tensors)
    first, dense = own["conv_first.weight"], own["body.0.rdb1.conv1.weight"]
    blocks = 1 + max(int(name.split(".")[1]) for name in own if name.startswith("body."))
    scale = {3: 4, 12: 2, 48: 1}[first.shape[1]]
    network = Esrgan(first.shape[0], dense.shape[0], blocks, scale)
    network.load_state_dict(own)
    return network
