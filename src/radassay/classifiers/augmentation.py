"""Classical augmentation that keeps a radiograph a radiograph: small moves, contrast and noise, never a mirror."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


class Draws(NamedTuple):
    """Random numbers that say how each of n images is changed; each range of the augmentation scales them."""

    moves: Tensor
    """(n, 4) turn, zoom, shift across and shift down, in [-1, 1]."""
    tones: Tensor
    """(n, 3) contrast, brightness and strength of the noise, in [-1, 1]."""
    grain: Tensor
    """(n, 1, size, size) standard normal noise."""

    def at(self, places: Tensor) -> Draws:
        """Return the draws of some images; one may be asked for several times."""
        return Draws(*(part.index_select(0, places.to(part.device)) for part in self))


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
            generator: where the draws come from, on the device of the images.

        Returns:
            (n, 1, size, size), clipped to [0, 1].
        """
        return self.change(pixels, self.draw(len(pixels), pixels.shape[-1], generator))

    def draw(self, n: int, side: int, generator: torch.Generator) -> Draws:
        """Return the changes of n images of a side in pixels."""
        moves, tones = _uniform(n, 4, generator), _uniform(n, 3, generator)
        grain = torch.randn((n, 1, side, side), generator=generator, device=generator.device)
        return Draws(moves, tones, grain)

    def change(self, pixels: Tensor, draws: Draws) -> Tensor:
        """Return (n, 1, size, size) images after the changes drawn for them, clipped to [0, 1]."""
        moved = grid_sample(
            pixels, self._grid(draws.moves, pixels.shape[-1]), padding_mode="border", align_corners=False
        )
        gain, offset, sigma = draws.tones.T.reshape(3, -1, 1, 1, 1)
        mean = moved.mean(dim=(1, 2, 3), keepdim=True)
        toned = moved.sub_(mean).mul_(1.0 + self.contrast * gain).add_(mean + self.brightness * offset)
        return toned.add_(draws.grain * (self.noise * sigma.abs())).clamp_(0.0, 1.0)

    def _grid(self, moves: Tensor, side: int) -> Tensor:
        """Return where each pixel comes from, (n, side, side, 2) over [-1, 1]."""
        turn, zoom, across, down = moves.T.reshape(4, -1, 1)
        angle = turn * math.radians(self.rotation_degrees)
        factor = 1.0 / (1.0 + self.scale * zoom)
        cosine, sine = factor * torch.cos(angle), factor * torch.sin(angle)
        places = (torch.arange(side, device=moves.device) * 2 + 1) / side - 1
        # the grid runs over [-1, 1], so a shift by a share of the side is twice that; complex: both axes in one pass
        columns = torch.complex(cosine * places + 2.0 * self.shift * across, sine * places + 2.0 * self.shift * down)
        rows = torch.complex(-sine * places, cosine * places)
        return torch.view_as_real(columns[:, None, :] + rows[:, :, None])


def _uniform(n: int, columns: int, generator: torch.Generator) -> Tensor:
    """Return (n, columns) uniform draws in [-1, 1]."""
    return torch.rand((n, columns), generator=generator, device=generator.device) * 2.0 - 1.0
