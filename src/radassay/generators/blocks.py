"""Layers of progressive growing and its followers: equalised learning rates, pixel norm (Karras et al. 2018)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EqualisedConv2d(nn.Module):
    """Convolution whose weights are kept at unit variance and scaled as they are used (Karras et al. 2018, sec. 4.1).

    Adam steps all weights alike; so every layer learns at the same relative rate whatever its fan-in.

    Args:
        incoming: channels in.
        outgoing: channels out.
        kernel: odd side of the kernel; the side of the picture is kept at stride 1.
        stride: step in pixels.
        gain: of the layer: root of two before a rectifier (He et al. 2015), 1 where nothing follows.
        bias: whether something is added.
    """

    def __init__(
        self,
        incoming: int,
        outgoing: int,
        kernel: int,
        *,
        stride: int = 1,
        gain: float = math.sqrt(2),
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outgoing, incoming, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outgoing)) if bias else None
        self.scale = gain / math.sqrt(incoming * kernel**2)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outgoing, h / stride, w / stride) of (n, incoming, h, w)."""
        weight = self.weight * self.scale
        return F.conv2d(x, weight, self.bias, stride=self.stride, padding=self.weight.shape[-1] // 2)


class EqualisedLinear(nn.Module):
    """Linear layer with weights of unit variance, scaled as they are used; see `EqualisedConv2d`.

    Args:
        incoming: features in.
        outgoing: features out.
        gain: of the layer.
        rate: factor of the learning rate of weights and bias, such as 0.01 in StyleGAN's mapping.
        start: value of the bias at the beginning.
    """

    def __init__(
        self, incoming: int, outgoing: int, *, gain: float = math.sqrt(2), rate: float = 1.0, start: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outgoing, incoming) / rate)
        self.bias = nn.Parameter(torch.full((outgoing,), start / rate))
        self.scale, self.rate = gain * rate / math.sqrt(incoming), rate

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outgoing) of (n, incoming)."""
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class PixelNorm(nn.Module):
    """Features of each place divided by their root mean square over channels (Karras et al. 2018, sec. 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, c, ...) normalised along c."""
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)
