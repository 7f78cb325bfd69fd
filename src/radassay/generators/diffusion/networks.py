"""A small U-Net that keeps the magnitude of what flows through it (Karras et al. 2024, EDM2, arXiv:2312.02696).

No normalisation layers, which cost as much as the convolutions on a processor: every weight is used at unit length,
sums and activations are scaled back to unit variance, and so nothing grows or dies, at any depth and rate.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

COARSEST = 8
"""Side at which the U-Net turns; there every place attends to every other."""
MOST = 4
"""Most channels of a level, in widths."""
RESIDUAL, ATTENDED, CLASS = 0.3, 0.3, 0.5
"""Shares of the branch in the sums of blocks, of attention, and of the class in the embedding (EDM2, table 2)."""


def activate(x: Tensor) -> Tensor:
    """Return SiLU, scaled to keep the variance of a standard normal input."""
    return F.silu(x) / 0.596


def blend(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return the sum of two independent tensors of unit variance at unit variance."""
    return torch.lerp(a, b.to(a.dtype), share) / math.hypot(1 - share, share)


def even(x: Tensor) -> Tensor:
    """Return features (n, c, h, w) with a mean square of 1 at every place."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-4).rsqrt()


class Conv(nn.Module):
    """Convolution, or with a kernel of 0 a linear map, whose filters are used at unit length.

    Args:
        silent: begin with filters of nought, and use them at the length that they learn. EDM2 has gains for that,
            single numbers that begin at 0; Adam takes hundreds of steps to bring those to 1.
    """

    def __init__(self, incoming: int, outgoing: int, kernel: int, *, silent: bool = False) -> None:
        super().__init__()
        self.kernel, self.silent = kernel, silent
        shape = (outgoing, incoming, *(2 * [kernel] if kernel else []))
        self.weight = nn.Parameter(torch.zeros(shape) if silent else torch.randn(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outgoing, ...) of (n, incoming, ...)."""
        if self.silent:
            weight = self.weight / math.sqrt(self.weight[0].numel())
        else:
            length = torch.linalg.vector_norm(self.weight, dim=tuple(range(1, self.weight.ndim)), keepdim=True)
            weight = self.weight / (length + 1e-4)
        return F.conv2d(x, weight, padding=self.kernel // 2) if self.kernel else F.linear(x, weight)


def folded(x: Tensor, patch: int) -> Tensor:
    """Return squares of pixels as channels, and one more of ones, which takes the place of biases."""
    x = F.pixel_unshuffle(x, patch)
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1).contiguous(memory_format=torch.channels_last)


class Block(nn.Module):
    """A residual block: two convolutions, of which the second sees features scaled by noise level and class.

    Args:
        incoming, outgoing: channels.
        embedding: length of the embedding of noise level and class; 0 for a block that is told nothing.
        encodes: whether it goes down, where features are made even first, or up.
    """

    def __init__(self, incoming: int, outgoing: int, embedding: int = 0, *, encodes: bool) -> None:
        super().__init__()
        self.encodes = encodes
        self.match = Conv(incoming, outgoing, 1) if incoming != outgoing else None
        self.first = Conv(outgoing if encodes else incoming, outgoing, 3)
        self.second = Conv(outgoing, outgoing, 3)
        self.scale = Conv(embedding, outgoing, 0, silent=True) if embedding else None

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Return (n, outgoing, h, w)."""
        if self.encodes:
            x = even(x if self.match is None else self.match(x))
        y = self.first(activate(x))
        if self.scale is not None:
            y = y * (1 + self.scale(embedding)[:, :, None, None])
        y = self.second(activate(y))
        if not self.encodes and self.match is not None:
            x = self.match(x)
        return blend(x, y, RESIDUAL)


class Attention(nn.Module):
    """Every place looks at every other, with heads of about 32 channels; queries and keys of unit magnitude."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = math.gcd(channels, max(1, channels // 32))
        self.look = Conv(channels, 3 * channels, 1)
        self.give = Conv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, c, h, w)."""
        n, c, h, w = x.shape
        q, k, v = self.look(x).reshape(n, 3, self.heads, c // self.heads, h * w).transpose(3, 4).unbind(1)
        seen = F.scaled_dot_product_attention(_unit(q), _unit(k), v)
        return blend(x, self.give(seen.transpose(2, 3).reshape(n, c, h, w)), ATTENDED)


def _unit(x: Tensor) -> Tensor:
    return x * (x.square().mean(dim=-1, keepdim=True) + 1e-4).rsqrt()


class UNet(nn.Module):
    """F of the preconditioning: noisy data, noise level and class to the network's target.

    Squares of `patch` by `patch` pixels enter as channels, which loses nothing and quarters the work. Channels
    double as the side halves, from `width` to four times as many.

    Args:
        side: of the data, a multiple of `patch`.
        channels: of the data.
        classes: number of classes; the number after the last one stands for no class.
        width: channels of the finest level.
        patch: side of the squares.
        blocks: residual blocks a level, down and up.
    """

    def __init__(self, side: int, channels: int, classes: int, width: int, patch: int, blocks: int) -> None:
        super().__init__()
        self.side, self.channels, self.classes, self.patch = side, channels, classes, patch
        length = 4 * width
        # Frequencies and phases laid out evenly where EDM2 draws them: a sum of cosines that tells levels apart.
        places = (torch.arange(width) + 0.5) / width
        self.register_buffer("frequencies", 2 * math.pi * torch.special.ndtri(places))
        self.register_buffer("phases", 2 * math.pi * (torch.arange(width) * 0.6180339887).frac())
        self.of_noise = Conv(width, length, 0)
        self.of_class = nn.Embedding(classes + 1, length)
        levels = max(1, int(math.log2(max(side // patch // COARSEST, 1))) + 1)
        wide = [min(width * 2**level, MOST * width) for level in range(levels)]
        self.enter = Conv(channels * patch**2 + 1, width, 3)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        kept, incoming = [width], width
        for outgoing in wide:
            for _ in range(blocks):
                self.down.append(Block(incoming, outgoing, length, encodes=True))
                kept.append(outgoing)
                incoming = outgoing
        self.turn = Block(incoming, incoming, length, encodes=True)
        self.attend = Attention(incoming)
        for outgoing in reversed(wide):
            for _ in range(blocks):
                self.up.append(Block(incoming + kept.pop(), outgoing, length, encodes=False))
                incoming = outgoing
        self.blocks = blocks
        self.leave = Conv(incoming + kept.pop(), channels * patch**2, 3, silent=True)

    def forward(self, x: Tensor, noise: Tensor, classes: Tensor) -> Tensor:
        """Return (n, channels, side, side) from data of that shape at unit variance, c_noise (n,), classes (n,)."""
        embedding = self.embedding(noise, classes)
        x = self.enter(folded(x, self.patch))
        kept = [x]
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
        x = self.leave(torch.cat([x, kept.pop()], dim=1))
        return F.pixel_shuffle(x, self.patch)

    def embedding(self, noise: Tensor, classes: Tensor) -> Tensor:
        """Return what is told to every block, (n, 4 width)."""
        waves = math.sqrt(2) * torch.cos(torch.outer(noise, self.frequencies) + self.phases)  # type: ignore[arg-type, operator]
        return activate(blend(self.of_noise(waves), self.of_class(classes), CLASS))
