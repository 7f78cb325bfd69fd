"""From noise to volumes: a coarse body first, then tiles that are denoised together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radassay.contracts.grey import Grey
from radassay.generators.compute import Compute
from radassay.generators.diffusion.sampler import heun, noise_levels
from radassay.generators.volume.networks import Cascade, places
from radassay.generators.volume.tiles import Shape, Tiling

GLANCE = 6
"""Steps in which a body is drawn for a look while training."""


@dataclass(frozen=True)
class Wanted:
    """What to draw."""

    shape: Shape
    """In voxels."""
    number: int
    """Of the class."""
    away: NDArray[np.float32]
    """Log spacing, (3,), as `Spacings.away` gives it."""


@dataclass(frozen=True)
class Drawing:
    """A cascade ready to draw.

    Args:
        network: the cascade.
        compute: device and precision.
        tile: shape of the fine tiles.
        overlap: voxels that neighbouring tiles share.
        doubt: noise on the coarse body that the tiles are told.
        coarse_steps: of the sampler, for the coarse body.
        fine_steps: of the sampler, for the tiles.
    """

    network: Cascade
    compute: Compute
    tile: Shape
    overlap: int
    doubt: float
    coarse_steps: int
    fine_steps: int

    @torch.no_grad()
    def volume(self, wanted: Wanted, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return a volume, (d, h, w) in [0, 1]; the noise of everything comes from `rng`."""
        network = self.network.eval()
        coarse = self.coarse(wanted, rng, self.coarse_steps)
        coarse += self.doubt * self._noise(rng, tuple(coarse.shape))
        told = network.enlarged(coarse[None, None])[0, 0]
        learnt = tuple(side * network.factor for side in network.coarse_shape)
        tiling = Tiling(wanted.shape, self.tile, self.overlap)

        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            def one(start: Shape) -> Tensor:
                at = tiling.at(start)
                where = places(start, tiling.tile, wanted.shape, learnt).to(x.device)
                return self._denoised("fine", x[at], sigma, torch.cat([told[at][None], where]), wanted)

            return tiling.blended(one, x)

        fine = heun(denoise, self._noise(rng, wanted.shape), noise_levels(self.fine_steps))
        grey = fine.mul_(network.residual_deviation).add_(told).add_(1).div_(2).clamp_(0, 1)
        drawn: NDArray[np.float32] = grey.cpu().numpy()
        return drawn

    @torch.no_grad()
    def coarse(self, wanted: Wanted, rng: np.random.Generator, steps: int) -> Tensor:
        """Return a coarse body, (d, h, w), normalised; one larger than those learned from is blended of several."""
        network = self.network.eval()
        depth, height, width = (side // network.factor for side in wanted.shape)
        grid, learnt = (depth, height, width), network.coarse_shape
        tiling = Tiling(grid, learnt, max(learnt) // 2)

        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            def one(start: Shape) -> Tensor:
                where = places(start, tiling.tile, grid, learnt).to(x.device)
                return self._denoised("coarse", x[tiling.at(start)], sigma, where, wanted)

            return tiling.blended(one, x)

        return heun(denoise, self._noise(rng, grid), noise_levels(steps))

    def middles(self, seed: int, numbers: NDArray[np.int64], shape: Shape) -> Grey:
        """Return the middle slices of coarse bodies of the usual spacing in few steps, (n, size, size) in [0, 1]."""
        slices = []
        for place, number in enumerate(numbers.tolist()):
            wanted = Wanted(shape, number, np.zeros(3, dtype=np.float32))
            body = self.coarse(wanted, np.random.default_rng([seed, place]), min(GLANCE, self.coarse_steps))
            slices.append(middle(self.network, body))
        return np.stack(slices)

    def _denoised(self, which: str, noisy: Tensor, sigma: Tensor, seen: Tensor, wanted: Wanted) -> Tensor:
        """Return one denoised tile, (d, h, w)."""
        device = noisy.device
        with self.compute.autocast():
            found = self.network.denoised(
                getattr(self.network, which),
                noisy[None, None],
                sigma.reshape(1),
                seen[None],
                torch.tensor([wanted.number], device=device),
                torch.from_numpy(wanted.away)[None].to(device),
            )
        return found[0, 0].float()

    def _noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(self.compute.device)


def middle(network: Cascade, coarse: Tensor) -> NDArray[np.float32]:
    """Return the middle axial slice of a coarse body (d, h, w), its central square, (size, size) in [0, 1]."""
    grey = (coarse[len(coarse) // 2] * network.coarse_deviation + network.coarse_mean + 1) / 2
    size = min(grey.shape)
    top, left = ((side - size) // 2 for side in grey.shape)
    cut: NDArray[np.float32] = grey[top : top + size, left : left + size].clamp(0, 1).cpu().numpy()
    return cut
