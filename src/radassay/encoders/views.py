"""Two views of one radiograph: changes that another exposure of the same patient could have shown."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class Views:
    """Random changes of position, tone and grain; what they change, features learn to overlook.

    No flips: a mirrored chest has its heart on the right and is another finding.
    """

    shift: float = 0.08
    """Largest shift along each axis, as a share of the side."""
    scale: float = 0.15
    """Largest change of magnification, as a share."""
    rotation_degrees: float = 7.0
    """Largest rotation either way."""
    gamma: float = 0.3
    """Largest natural logarithm of the exponent on grey values."""
    contrast: float = 0.3
    """Largest change of contrast about the image's own mean, as a share."""
    brightness: float = 0.1
    """Largest change of brightness, in grey values of [0, 1]."""
    noise: float = 0.03
    """Largest standard deviation of Gaussian noise, in grey values of [0, 1]."""

    def of(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """Return changed copies of (n, 1, size, size) grey values, each image by its own draw.

        Draws are made on the processor, so that they do not depend on the device of the pixels.
        """
        moved = self._moved(pixels, generator)
        tone = _draw(len(pixels), 4, generator).to(pixels.device).T.reshape(4, -1, 1, 1, 1)
        toned = moved.clamp(1e-4, 1.0) ** torch.exp(self.gamma * tone[0])
        mean = toned.mean(dim=(2, 3), keepdim=True)
        toned = mean + (toned - mean) * (1.0 + self.contrast * tone[1]) + self.brightness * tone[2]
        grain = torch.randn(moved.shape, generator=generator).to(pixels.device)
        return toned + grain * (self.noise * tone[3].abs())

    def _moved(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        turn, zoom, across, down = _draw(len(pixels), 4, generator).T
        angle, factor = turn * math.radians(self.rotation_degrees), 1.0 / (1.0 + self.scale * zoom)
        cosine, sine = factor * torch.cos(angle), factor * torch.sin(angle)
        # the grid runs over [-1, 1], so a shift by a share of the side is twice that
        rows = [cosine, -sine, 2.0 * self.shift * across, sine, cosine, 2.0 * self.shift * down]
        theta = torch.stack(rows, dim=1).reshape(-1, 2, 3).to(pixels.device)
        grid = affine_grid(theta, list(pixels.shape), align_corners=False)
        return grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _draw(n: int, columns: int, generator: torch.Generator) -> Tensor:
    """Return (n, columns) uniform draws in [-1, 1]."""
    return torch.rand((n, columns), generator=generator) * 2.0 - 1.0
