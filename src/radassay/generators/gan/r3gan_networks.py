"""The two networks of R3GAN: residual blocks with grouped convolutions, nothing normalised (Huang et al. 2024)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.generators.gan.networks import SMALLEST, activate, channels

GROUP = 16
"""Channels in a group of the middle convolution."""
EXPANSION = 2
"""Channels inside a block for each one outside."""


RECTIFIED = math.sqrt(2 / (1 + 0.2**2))
"""Gain of a layer whose output is rectified with slope 0.2; layers of which nothing is cut off have gain 1."""


def conv(incoming: int, outgoing: int, kernel: int, *, gain: float = 1.0, groups: int = 1) -> nn.Conv2d:
    """Return a convolution without bias that at first multiplies the size of what comes in by `gain`."""
    made = nn.Conv2d(incoming, outgoing, kernel, padding=kernel // 2, groups=groups, bias=False)
    nn.init.normal_(made.weight, 0.0, gain / math.sqrt(made.weight[0].numel()))
    return made


class Residual(nn.Module):
    """x + narrow(grouped(widen(x))), silent at the start (fix-up, Zhang et al. 2019).

    Args:
        channels: in and out.
        blocks: residual blocks in the whole network, L: weights start L^(-1/4) times smaller, the last ones at 0.
    """

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        inside, gain = EXPANSION * channels, RECTIFIED * blocks**-0.25
        groups = max(1, inside // GROUP)
        self.widen = conv(channels, inside, 1, gain=gain)
        self.grouped = conv(inside, inside, 3, gain=gain, groups=math.gcd(groups, inside))
        self.narrow = conv(inside, channels, 1, gain=0.0)
        self.first, self.second = (nn.Parameter(torch.zeros(inside, 1, 1)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, c, h, w) of the same."""
        y = activate(self.widen(x) + self.first)
        y = activate(self.grouped(y) + self.second)
        shifted: Tensor = x + self.narrow(y)
        return shifted


def sides(size: int) -> list[int]:
    """Return the sides from the smallest to the picture's."""
    return [SMALLEST * 2**k for k in range(int(math.log2(size // SMALLEST)) + 1)]


class Drawer(nn.Module):
    """Noise and class to pictures.

    Args:
        size: side of the pictures, a power of two.
        classes: number of classes.
        width: channels at full size.
        latent_dim: length of the noise.
        depth: residual blocks at each side.
    """

    def __init__(self, size: int, classes: int, width: int, latent_dim: int, depth: int) -> None:
        super().__init__()
        at = sides(size)
        counts = [channels(width, side, size) for side in at]
        self.latent_dim = latent_dim
        self.embedding = nn.Embedding(classes, latent_dim)
        self.basis = nn.Parameter(torch.randn(counts[0], SMALLEST, SMALLEST))
        self.first = nn.Linear(2 * latent_dim, counts[0], bias=False)
        nn.init.normal_(self.first.weight, 0.0, 1 / math.sqrt(2 * latent_dim))
        total = depth * len(at)
        self.blocks = nn.ModuleList(nn.Sequential(*(Residual(c, total) for _ in range(depth))) for c in counts)
        self.across = nn.ModuleList(conv(a, b, 1) for a, b in pairwise(counts))
        self.picture = nn.Conv2d(counts[-1], 1, 1)
        nn.init.normal_(self.picture.weight, 0.0, 1 / math.sqrt(counts[-1]))

    def forward(self, noise: Tensor, classes: Tensor) -> Tensor:
        """Return (n, 1, size, size) around [-1, 1]."""
        x = self.first(torch.cat([noise, self.embedding(classes)], dim=1))
        x = (self.basis * x[:, :, None, None]).contiguous(memory_format=torch.channels_last)
        x = self.blocks[0](x)
        for across, block in zip(self.across, list(self.blocks)[1:], strict=True):
            # Channels before size: the same, as both are linear, at a quarter of the work.
            x = F.interpolate(across(x), scale_factor=2, mode="bilinear", align_corners=False)
            x = block(x)
        drawn: Tensor = self.picture(x).float()
        return drawn


class Judge(nn.Module):
    """Pictures and classes to scores, each picture by itself; the class enters by projection."""

    def __init__(self, size: int, classes: int, width: int, depth: int) -> None:
        super().__init__()
        at = sides(size)[::-1]
        counts = [channels(width, side, size) for side in at]
        total = depth * len(at)
        self.picture = conv(1, counts[0], 1)
        self.blocks = nn.ModuleList(nn.Sequential(*(Residual(c, total) for _ in range(depth))) for c in counts)
        self.across = nn.ModuleList(conv(a, b, 1) for a, b in pairwise(counts))
        last = counts[-1]
        self.basis = nn.Conv2d(last, last, SMALLEST, groups=last, bias=False)
        self.score = nn.Linear(last, last, bias=False)
        self.embedding = nn.Embedding(classes, last)
        for layer in (self.basis, self.score):
            nn.init.kaiming_normal_(layer.weight, 1.0)

    def forward(self, pictures: Tensor, classes: Tensor) -> Tensor:
        """Return scores (n,) of pictures (n, 1, size, size)."""
        x = self.blocks[0](self.picture(pictures.contiguous(memory_format=torch.channels_last)))
        for across, block in zip(self.across, list(self.blocks)[1:], strict=True):
            x = block(across(F.avg_pool2d(x, 2)))
        x = self.score(self.basis(x).flatten(1)).float()
        scores: Tensor = (x * self.embedding(classes)).sum(dim=1) / math.sqrt(x.shape[1])
        return scores
