"""A small U-Net of residual blocks: normalised features, SiLU, and branches that begin at nought."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Layer = TypeVar("Layer", bound=nn.Module)

COARSEST = 8
"""Side at which the U-Net turns; there every place attends to every other."""
MOST = 3
"""Most channels of a level, in widths."""
GROUP = 8
"""Channels normalised together, about."""
SLOWEST, FASTEST = 1.0, 100.0
"""Angular frequencies of the waves by which noise levels are told apart."""


def normalising(channels: int) -> nn.GroupNorm:
    """Return group normalisation (Wu & He 2018) over groups of about `GROUP` channels."""
    return nn.GroupNorm(math.gcd(channels, max(1, channels // GROUP)), channels)


def at_nought(layer: Layer) -> Layer:
    """Return the layer with weights and biases of 0, so that what it adds is learned from nothing."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def folded(x: Tensor, patch: int) -> Tensor:
    """Return squares of `patch` by `patch` pixels as channels, (n, c patch², h / patch, w / patch)."""
    return F.pixel_unshuffle(x, patch).contiguous(memory_format=torch.channels_last)


class Block(nn.Module):
    """A residual block of two convolutions; noise level and class scale and shift the features between them.

    Args:
        incoming, outgoing: channels.
        embedding: length of the embedding of noise level and class; 0 for a block that is told nothing.
    """

    def __init__(self, incoming: int, outgoing: int, embedding: int = 0) -> None:
        super().__init__()
        self.match = nn.Conv2d(incoming, outgoing, 1) if incoming != outgoing else nn.Identity()
        self.even_first, self.first = normalising(incoming), nn.Conv2d(incoming, outgoing, 3, padding=1)
        self.even_second = normalising(outgoing)
        self.second = at_nought(nn.Conv2d(outgoing, outgoing, 3, padding=1))
        self.told = at_nought(nn.Linear(embedding, 2 * outgoing)) if embedding else None

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Return (n, outgoing, h, w)."""
        y = self.even_second(self.first(F.silu(self.even_first(x))))
        if self.told is not None:
            scale, shift = self.told(embedding)[:, :, None, None].chunk(2, dim=1)
            y = y * (1 + scale) + shift
        added: Tensor = self.match(x) + self.second(F.silu(y))
        return added


class Attention(nn.Module):
    """Every place looks at every other, with heads of about 32 channels, and adds what it has seen."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = math.gcd(channels, max(1, channels // 32))
        self.even = normalising(channels)
        self.look = nn.Conv2d(channels, 3 * channels, 1)
        self.give = at_nought(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, c, h, w)."""
        n, c, h, w = x.shape
        q, k, v = self.look(self.even(x)).reshape(n, 3, self.heads, c // self.heads, h * w).transpose(3, 4).unbind(1)
        seen = F.scaled_dot_product_attention(q, k, v)
        added: Tensor = x + self.give(seen.transpose(2, 3).reshape(n, c, h, w))
        return added


class UNet(nn.Module):
    """Noisy data, noise level and class to what the network is asked for.

    Squares of `patch` by `patch` pixels enter as channels, which loses nothing and quarters the work. Channels
    grow by `width` with each halving of the side, to three times as many.

    Args:
        side: of the data, a multiple of `patch`.
        channels: of the data.
        classes: number of classes; the number after the last one stands for no class.
        width: channels of the finest level.
        patch: side of the squares.
        blocks: residual blocks a level, down and up.
    """

    frequencies: Tensor

    def __init__(self, side: int, channels: int, classes: int, width: int, patch: int, blocks: int) -> None:
        super().__init__()
        self.side, self.channels, self.classes, self.patch, self.blocks = side, channels, classes, patch, blocks
        length = 4 * width
        self.register_buffer("frequencies", SLOWEST * (FASTEST / SLOWEST) ** torch.linspace(0, 1, width))
        self.of_noise = nn.Sequential(nn.Linear(2 * width, length), nn.SiLU(), nn.Linear(length, length))
        self.of_class = nn.Embedding(classes + 1, length)
        levels = int(math.log2(max(side // patch // COARSEST, 1))) + 1
        wide = [min(level + 1, MOST) * width for level in range(levels)]
        self.enter = nn.Conv2d(channels * patch**2, width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        kept, incoming = [], width
        for outgoing in wide:
            for _ in range(blocks):
                self.down.append(Block(incoming, outgoing, length))
                kept.append(outgoing)
                incoming = outgoing
        self.turn = Block(incoming, incoming, length)
        self.attend = Attention(incoming)
        for outgoing in reversed(wide):
            for _ in range(blocks):
                self.up.append(Block(incoming + kept.pop(), outgoing, length))
                incoming = outgoing
        self.even = normalising(incoming)
        self.leave = at_nought(nn.Conv2d(incoming, channels * patch**2, 3, padding=1))

    def forward(self, x: Tensor, noise: Tensor, classes: Tensor) -> Tensor:
        """Return (n, channels, side, side) from data of that shape, noise levels (n,) from 0 to 1, classes (n,)."""
        embedding = self.embedding(noise, classes)
        x = self.enter(folded(x, self.patch))
        kept = []
        for place, block in enumerate(self.down):
            if place and place % self.blocks == 0:
                x = F.avg_pool2d(x, 2)
            x = block(x, embedding)
            kept.append(x)
        x = self.attend(self.turn(x, embedding))
        for place, block in enumerate(self.up):
            if place and place % self.blocks == 0:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([x, kept.pop()], dim=1), embedding)
        return F.pixel_shuffle(self.leave(F.silu(self.even(x))), self.patch)

    def embedding(self, noise: Tensor, classes: Tensor) -> Tensor:
        """Return what is told to every block, (n, 4 width)."""
        turns = torch.outer(noise, self.frequencies)
        found: Tensor = F.silu(self.of_noise(torch.cat([turns.sin(), turns.cos()], dim=1)) + self.of_class(classes))
        return found
