"""The two networks of the conditional GAN: one draws images, the other tells them from real ones."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALLEST = 4
"""Side in pixels at which drawing starts and looking ends."""


def channels(width: int, side: int, size: int) -> int:
    """Return the channels at one side length: `width` at full size, doubling as the side halves, at most 16 `width`."""
    return min(width * size // side, 16 * width)


def activate(x: Tensor) -> Tensor:
    """Return the leaky rectifier of slope 0.2, the habit of discriminators since DCGAN."""
    return F.leaky_relu(x, 0.2)


def enlarge(x: Tensor) -> Tensor:
    """Return twice the side by repeating pixels; a convolution after it leaves no checkerboard (Odena et al. 2016)."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


class ConditionalNorm(nn.Module):
    """Normalisation, of the batch unless told otherwise, whose gain and shift depend on noise and class.

    After de Vries et al. 2017 and BigGAN (Brock et al. 2019); `start` is how far they depend on them at first.
    """

    def __init__(self, channels: int, condition: int, norm: nn.Module | None = None, *, start: float = 0.05) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False) if norm is None else norm
        self.affine = nn.Linear(condition, 2 * channels)
        nn.init.normal_(self.affine.weight, 0.0, start)
        nn.init.zeros_(self.affine.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return (n, c, h, w) normalised; condition is (n, k)."""
        gain, shift = self.affine(condition)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(shift.to(x.dtype), self.norm(x), (1 + gain).to(x.dtype))


class DrawingBlock(nn.Module):
    """Enlarge, convolve, normalise, rectify."""

    def __init__(self, incoming: int, outgoing: int, condition: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(incoming, outgoing, 3, padding=1, bias=False)
        self.norm = ConditionalNorm(outgoing, condition)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return features of twice the side, (n, outgoing, 2h, 2w)."""
        return activate(self.norm(self.conv(enlarge(x)), condition))


class GeneratorNetwork(nn.Module):
    """Noise and class to pictures: one block for each doubling of the side, as in DCGAN (Radford et al. 2016).

    The picture comes from the last block alone. Maps of places, skip connections for the picture and a start from
    the mean image all made the mean image a comfortable place to stay (decision 0007).

    Args:
        size: side of the pictures, a power of two from 16.
        classes: number of classes.
        width: channels at full size; all others follow.
        latent_dim: length of the noise.
    """

    def __init__(self, size: int, classes: int, width: int, latent_dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, 32)
        condition = latent_dim + 32
        self.first = channels(width, SMALLEST, size)
        self.project = nn.Linear(condition, self.first * SMALLEST**2)
        self.norm = ConditionalNorm(self.first, condition)
        incoming, side = self.first, 2 * SMALLEST
        self.blocks = nn.ModuleList()
        while side <= size:
            outgoing = channels(width, side, size)
            self.blocks.append(DrawingBlock(incoming, outgoing, condition))
            incoming, side = outgoing, side * 2
        self.picture = nn.Conv2d(incoming, 1, 3, padding=1)

    def forward(self, noise: Tensor, classes: Tensor) -> Tensor:
        """Return (n, 1, size, size) in [-1, 1] from noise (n, latent_dim) and class numbers (n,)."""
        condition = torch.cat([noise, self.embedding(classes)], dim=1)
        x = self.project(condition).view(-1, self.first, SMALLEST, SMALLEST)
        x = activate(self.norm(x.contiguous(memory_format=torch.channels_last), condition))
        for block in self.blocks:
            x = block(x, condition)
        return torch.tanh(self.picture(x).float())


class DiscriminatorNetwork(nn.Module):
    """Pictures and classes to a score, higher for real; the class enters by projection (Miyato & Koyama 2018).

    It looks at blocks of two by two pixels as four channels, which halves the side without losing anything.
    The spread within small groups of pictures is one more channel (minibatch deviation, Karras et al. 2018):
    pictures that are all alike give themselves away.
    """

    def __init__(self, size: int, classes: int, width: int) -> None:
        super().__init__()
        side = size // 2
        incoming = channels(width, side, size)
        layers = [nn.Conv2d(4, incoming, 3, padding=1)]
        while side > SMALLEST:
            side //= 2
            outgoing = channels(width, side, size)
            layers.append(nn.Conv2d(incoming, outgoing, 3, stride=2, padding=1))
            incoming = outgoing
        self.layers = nn.ModuleList(layers)
        self.last = nn.Conv2d(incoming + 1, incoming, 3, padding=1)
        self.flat = nn.Linear(incoming * SMALLEST**2, incoming)
        self.score = nn.Linear(incoming, 1)
        self.embedding = nn.Embedding(classes, incoming)
        nn.init.normal_(self.embedding.weight, 0.0, 1 / math.sqrt(incoming))
        for layer in (*layers, self.last):
            nn.init.kaiming_normal_(layer.weight, 0.2)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, pictures: Tensor, classes: Tensor, halves: int = 1) -> Tensor:
        """Return scores (n,) of pictures (n, 1, size, size) in [-1, 1].

        Args:
            pictures: joined real and drawn ones are two halves, so that no group of the deviation holds both.
            classes: class numbers (n,).
            halves: into how many parts of equal length the pictures fall.
        """
        group = group_of(len(pictures) // halves)
        x = F.pixel_unshuffle(pictures, 2).contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = activate(layer(x))
        x = activate(self.last(torch.cat([x, deviation(x, group).to(x.dtype)], dim=1)))
        x = activate(self.flat(x.flatten(1))).float()
        with torch.autocast(x.device.type, enabled=False):  # sums of many terms: keep the digits
            scores: Tensor = self.score(x)[:, 0] + (x * self.embedding(classes)).sum(dim=1)
        return scores


GROUP = (4, 3, 2, 1)
"""Pictures in a group of the minibatch deviation: the first of these that divides what is at hand."""


def group_of(n: int) -> int:
    """Return how many of n pictures make a group of the minibatch deviation."""
    return next(g for g in GROUP if n % g == 0)


def deviation(x: Tensor, group: int) -> Tensor:
    """Return the mean standard deviation within each group as a map (n, 1, h, w)."""
    n, _, height, width = x.shape
    grouped = x.float().reshape(n // group, group, -1)
    spread = ((grouped - grouped.mean(dim=1, keepdim=True)).square().mean(dim=1) + 1e-4).sqrt().mean(dim=1)
    return spread.repeat_interleave(group)[:, None, None, None].expand(n, 1, height, width)
