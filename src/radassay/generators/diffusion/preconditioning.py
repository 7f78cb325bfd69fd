"""How a network of unit-variance inputs and outputs becomes a denoiser (Karras et al. 2022, arXiv:2206.00364).

Data are standardised first, so that σ_data of the paper is 1 and drops out of its table 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri
from torch import Tensor, nn

from radassay.generators.diffusion.networks import UNet


@dataclass(frozen=True)
class Scales:
    """D(x; σ) = c_skip x + c_out F(c_in x; c_noise), and λ, the weight of its squared error; each (n, 1, 1, 1)."""

    skip: Tensor
    out: Tensor
    into: Tensor
    noise: Tensor
    weight: Tensor


def scales(sigma: Tensor) -> Scales:
    """Return the scales of noise levels σ (n,), in units of the data's standard deviation.

    With them the network's input, its target and the weighted loss of a network that gives 0 have unit variance at
    every σ, and c_out is as small as it can be, so that the network's errors count least (appendix B.6).
    """
    s = sigma[:, None, None, None]
    total = (s.square() + 1).sqrt()
    return Scales(1 / total.square(), s / total, 1 / total, s.log() / 4, total.square() / s.square())


class Denoiser(nn.Module):
    """A network under the scales, with the standardisation of what it has learned from.

    Args:
        network: F, called with (n, channels, side, side), σ / (1 + σ) in place of c_noise, (n,), and class numbers
            (n,).
    """

    shift: Tensor
    spread: Tensor

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("shift", torch.zeros(1, network.channels, 1, 1))
        self.register_buffer("spread", torch.ones(1, network.channels, 1, 1))

    def standardise_by(self, data: Tensor) -> None:
        """Take mean and standard deviation of each channel of data (n, channels, side, side) as 0 and 1."""
        self.shift.copy_(data.mean(dim=(0, 2, 3), keepdim=True))
        self.spread.copy_(data.std(dim=(0, 2, 3), keepdim=True).clamp_min(LEAST_SPREAD))

    def standardised(self, data: Tensor) -> Tensor:
        """Return data in the units of the denoiser."""
        return (data - self.shift) / self.spread

    def restored(self, standardised: Tensor) -> Tensor:
        """Return what is in the units of the denoiser in those of the data."""
        return standardised * self.spread + self.shift

    def forward(self, noisy: Tensor, sigma: Tensor, classes: Tensor) -> Tensor:
        """Return the expected clean data, (n, channels, side, side), in float32, standardised as `noisy` is."""
        c = scales(sigma)
        found: Tensor = self.network(c.into * noisy, sigma / (1 + sigma), classes)
        return c.skip * noisy + c.out * found.float()


LEAST_SPREAD = 0.01
"""Standard deviation below which data count as constant: they are then not blown up to unit variance."""


def draw_levels(n: int, mean: float, deviation: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return n noise levels with log-normal distribution, one from each n-th of it, in random order.

    Levels spread evenly over a batch make its loss vary less than independent ones do (Kingma et al. 2021,
    arXiv:2107.00630, appendix I.1).
    """
    places = (rng.permutation(n) + rng.random(n)) / n
    levels: NDArray[np.float32] = np.exp(mean + deviation * ndtri(places.clip(1e-6, 1 - 1e-6))).astype(np.float32)
    return levels
