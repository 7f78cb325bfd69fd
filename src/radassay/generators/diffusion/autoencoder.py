"""The autoencoder between pictures and the smaller latents in which `latent-diffusion` draws."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.generators.diffusion.networks import MOST, Block, at_nought, folded

EDGES = 1.0
"""Weight of the error of differences between neighbouring pixels, beside that of the pixels: it keeps edges sharp."""


class Latents(NamedTuple):
    """A normal distribution for each latent, (n, channels, side, side)."""

    mean: Tensor
    log_variance: Tensor

    def drawn(self, noise: Tensor) -> Tensor:
        """Return latents from standard normal noise of the same shape."""
        return self.mean + noise * (self.log_variance / 2).exp()


class Autoencoder(nn.Module):
    """Pictures to latents and back, residual blocks at each side (Rombach et al. 2022, arXiv:2112.10752).

    Args:
        shrink: how many times smaller the side of the latents is, a power of two from 2.
        channels: of the latents.
        width: channels of the finest level, at half the side of the pictures; at most three times as many below.
    """

    def __init__(self, shrink: int, channels: int, width: int) -> None:
        super().__init__()
        self.shrink, self.channels = shrink, channels
        wide = [min(width * 2**level, MOST * width) for level in range(shrink.bit_length() - 1)]
        self.enter = nn.Conv2d(4, width, 3, padding=1)
        self.down = nn.ModuleList(Block(a, b) for a, b in zip([width, *wide], wide, strict=False))
        self.describe = nn.Conv2d(wide[-1], 2 * channels, 3, padding=1)
        self.resume = nn.Conv2d(channels, wide[-1], 3, padding=1)
        back = wide[::-1]
        self.up = nn.ModuleList(Block(a, b) for a, b in zip([back[0], *back], back, strict=False))
        self.leave = at_nought(nn.Conv2d(width, 4, 3, padding=1))

    def encode(self, pictures: Tensor) -> Latents:
        """Return the latents of pictures (n, 1, size, size) in [-1, 1], float32."""
        x = self.enter(folded(pictures, 2))
        for place, block in enumerate(self.down):
            x = block(F.avg_pool2d(x, 2) if place else x)
        mean, log_variance = self.describe(x).float().chunk(2, dim=1)
        return Latents(mean, log_variance.clamp(-20, 10))

    def decode(self, latents: Tensor) -> Tensor:
        """Return pictures (n, 1, size, size), mostly in [-1, 1], float32."""
        x = self.resume(latents.contiguous(memory_format=torch.channels_last))
        for place, block in enumerate(self.up):
            x = block(F.interpolate(x, scale_factor=2, mode="nearest") if place else x)
        return F.pixel_shuffle(self.leave(x).float(), 2)

    def forward(self, pictures: Tensor, noise: Tensor, penalty: float) -> Tensor:
        """Return the loss: mean error of pixels and of edges, and `penalty` times the mean divergence (KL)."""
        mean, log_variance = latents = self.encode(pictures)
        back = self.decode(latents.drawn(noise))
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2
        return reconstruction_error(back, pictures) + penalty * divergence


def reconstruction_error(drawn: Tensor, real: Tensor) -> Tensor:
    """Return the mean absolute error of pixels, and of differences between neighbours down and across."""
    error = drawn - real
    return error.abs().mean() + EDGES / 2 * (error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean())
