"""Classical augmentation that keeps a radiograph a radiograph: small moves, contrast and noise, never a mirror."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class Augmentation:
    """Random changes that another exposure of the same patient could have shown.

    No flips: a mirrored chest has its heart on the right (situs inversus) and is another finding.
    """

    shift: float = 0.06
    """Largest shift along each axis, as a share of the side."""
    rotation_degrees: float = 7.0
    """Largest rotation either way."""
    scale: float = 0.08
    """Largest change of magnification, as a share."""
    contrast: float = 0.2
    """Largest change of contrast about the image's own mean, as a share."""
    brightness: float = 0.08
    """Largest change of brightness, in grey values of [0, 1]."""
    noise: float = 0.02
    """Largest standard deviation of added Gaussian noise, in grey values of [0, 1]."""

    def apply(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """Return changed copies of a batch, each image by its own draw.

        Args:
            pixels: (n, 1, size, size), grey values in [0, 1].
            generator: where the draws come from.

        Returns:
            (n, 1, size, size), clipped to [0, 1].
        """
        moved = self._moved(pixels, generator)
        gain, offset, sigma = self._draw(len(pixels), 3, generator).T.reshape(3, -1, 1, 1, 1)
        mean = moved.mean(dim=(1, 2, 3), keepdim=True)
        toned = mean + (moved - mean) * (1.0 + self.contrast * gain) + self.brightness * offset
        grain = torch.randn(moved.shape, generator=generator) * (self.noise * sigma.abs())
        changed: Tensor = (toned + grain).clamp_(0.0, 1.0)
        return changed

    def _moved(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        turn, zoom, across, down = self._draw(len(pixels), 4, generator).T
        angle = turn * math.radians(self.rotation_degrees)
        factor = 1.0 / (1.0 + self.scale * zoom)
        cosine, sine = factor * torch.cos(angle), factor * torch.sin(angle)
        # the grid runs over [-1, 1], so a shift by a share of the side is twice that
        rows = [cosine, -sine, 2.0 * self.shift * across, sine, cosine, 2.0 * self.shift * down]
        theta = torch.stack(rows, dim=1).reshape(-1, 2, 3)
        grid = affine_grid(theta, list(pixels.shape), align_corners=False)
        return grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)

    @staticmethod
    def _draw(n: int, columns: int, generator: torch.Generator) -> Tensor:
        """Return (n, columns) uniform draws in [-1, 1]."""
        return torch.rand((n, columns), generator=generator) * 2.0 - 1.0
