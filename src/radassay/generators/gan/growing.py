"""The networks of progressive growing: a block more for each doubling, faded in (Karras et al. 2018, table 2)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.generators.blocks import EqualisedConv2d, EqualisedLinear, PixelNorm
from radassay.generators.gan.networks import SMALLEST, activate, channels, deviation, enlarge, group_of

PARTS = 4096
"""Steps in which a block fades in; how far it is is kept as a whole number, so that weight averaging copies it."""


def doublings(size: int) -> int:
    """Return how often the smallest side doubles up to a size."""
    return int(math.log2(size // SMALLEST))


def grown(seen: int, until: float, doublings: int) -> float:
    """Return how many blocks stand after so many images; the fraction is how far the newest has faded in.

    The networks train as they are for as long as the next block then takes to fade in, again and again.

    Args:
        seen: real images shown.
        until: images after which the last block has faded in.
        doublings: blocks to come in all.
    """
    phase = seen * 2 * doublings / until
    whole = int(phase // 2)
    return float(min(doublings, whole + max(0.0, phase - 2 * whole - 1)))


def faded(pictures: Tensor, at: float) -> Tensor:
    """Return real pictures as the critic sees them while a block fades in, smaller by averaging.

    Args:
        pictures: (n, 1, size, size).
        at: what `grown` tells; the result has the side of the newest block.
    """
    side = SMALLEST * 2 ** math.ceil(at)
    small = F.avg_pool2d(pictures, pictures.shape[-1] // side)
    return small if at.is_integer() else torch.lerp(enlarge(F.avg_pool2d(small, 2)), small, at % 1)


class Growing(nn.Module):
    """A network that knows how far it has grown; that is kept with its weights."""

    parts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("parts", torch.zeros((), dtype=torch.int64))

    @property
    def at(self) -> float:
        """Return what `grown` told last."""
        return int(self.parts) / PARTS

    def grow(self, at: float) -> None:
        """Stand where `grown` tells."""
        self.parts.fill_(round(at * PARTS))


def rectified(incoming: int, outgoing: int, *, normed: bool = False) -> nn.Sequential:
    """Return a convolution of side 3, a leaky rectifier and, in the generator, pixel norm."""
    after = [nn.LeakyReLU(0.2), PixelNorm()] if normed else [nn.LeakyReLU(0.2)]
    return nn.Sequential(EqualisedConv2d(incoming, outgoing, 3), *after)


class GrowingGenerator(Growing):
    """Noise and class to pictures of the side that it has grown to; at rest, enlarged to full size.

    Args:
        size: side of the pictures when it is grown up, a power of two from 16.
        classes: number of classes, told as a vector of zeros and a one.
        width: channels at full size; all others follow.
        latent_dim: length of the noise.
    """

    def __init__(self, size: int, classes: int, width: int, latent_dim: int) -> None:
        super().__init__()
        self.size, self.classes = size, classes
        self.first = channels(width, SMALLEST, size)
        self.norm = PixelNorm()
        # The paper's gain, a quarter of what the layer would have: its output is normalised anyway.
        self.project = EqualisedLinear(latent_dim + classes, self.first * SMALLEST**2, gain=math.sqrt(2) / 4)
        sides = [SMALLEST * 2**k for k in range(doublings(size) + 1)]
        widths = [channels(width, side, size) for side in sides]
        self.blocks = nn.ModuleList([rectified(self.first, self.first, normed=True)])
        for incoming, outgoing in pairwise(widths):
            layers = [rectified(incoming, outgoing, normed=True), rectified(outgoing, outgoing, normed=True)]
            self.blocks.append(nn.Sequential(*layers))
        self.pictures = nn.ModuleList(EqualisedConv2d(w, 1, 1, gain=1.0) for w in widths)

    def forward(self, noise: Tensor, classes: Tensor) -> Tensor:
        """Return (n, 1, side, side), about in [-1, 1], from noise (n, latent_dim) and class numbers (n,)."""
        told = F.one_hot(classes, self.classes).to(noise.dtype)
        x = self.project(self.norm(torch.cat([noise, told], dim=1))).view(-1, self.first, SMALLEST, SMALLEST)
        x = self.norm(activate(x.contiguous(memory_format=torch.channels_last)))
        at = self.at
        newest, before = math.ceil(at), x
        for level in range(newest + 1):
            before = x
            x = self.blocks[level](enlarge(x) if level else x)
        drawn: Tensor = self.pictures[newest](x).float()
        if not at.is_integer():
            drawn = torch.lerp(enlarge(self.pictures[newest - 1](before).float()), drawn, at % 1)
        return drawn if self.training else F.interpolate(drawn, self.size, mode="nearest")


class GrowingCritic(Growing):
    """Pictures of the side that it has grown to, to a score and what it gives for each class."""

    def __init__(self, size: int, classes: int, width: int) -> None:
        super().__init__()
        sides = [SMALLEST * 2**k for k in range(doublings(size) + 1)]
        widths = [channels(width, side, size) for side in sides]
        self.pictures = nn.ModuleList(EqualisedConv2d(1, w, 1) for w in widths)
        self.blocks = nn.ModuleList(
            nn.Sequential(rectified(finer, finer), rectified(finer, coarser)) for coarser, finer in pairwise(widths)
        )
        self.last = EqualisedConv2d(widths[0] + 1, widths[0], 3)
        self.flat = EqualisedLinear(widths[0] * SMALLEST**2, widths[0])
        self.score = EqualisedLinear(widths[0], 1 + classes, gain=1.0)

    def forward(self, pictures: Tensor, classes: Tensor, halves: int = 1) -> Tensor:
        """Return (n, 1 + classes) of pictures (n, 1, side, side): the score, then the guessed class.

        Args:
            pictures: joined real and drawn ones are two halves, so that no group of the deviation holds both.
            classes: is not looked at; it guesses.
            halves: into how many parts of equal length the pictures fall.
        """
        at = self.at
        newest = math.ceil(at)
        x = activate(self.pictures[newest](pictures.contiguous(memory_format=torch.channels_last)))
        for level in range(newest, 0, -1):
            x = F.avg_pool2d(self.blocks[level - 1](x), 2)
            if level == newest and not at.is_integer():
                before = activate(self.pictures[level - 1](F.avg_pool2d(pictures, 2)))
                x = torch.lerp(before.to(x.dtype), x, at % 1)
        group = group_of(len(pictures) // halves)
        x = activate(self.last(torch.cat([x, deviation(x, group).to(x.dtype)], dim=1)))
        scores: Tensor = self.score(activate(self.flat(x.flatten(1))))
        return scores
