"""From noise to data along the probability flow, by Heun's method (Karras et al. 2022, algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HIGHEST, LOWEST = 80.0, 0.01
"""Noise levels between which is drawn, in standard deviations of the data."""
CURVATURE = 7.0
"""ρ of the paper: how much finer the steps are at low noise."""

Denoise = Callable[[Tensor, Tensor], Tensor]
"""Expected clean data from noisy data (n, ...) and their noise level, a scalar."""


def noise_levels(steps: int) -> NDArray[np.float32]:
    """Return σ_0 > ... > σ_steps = 0, (steps + 1,), equation 5 of the paper."""
    share = np.arange(steps) / max(steps - 1, 1)
    high, low = HIGHEST ** (1 / CURVATURE), LOWEST ** (1 / CURVATURE)
    levels: NDArray[np.float32] = np.append((high + share * (low - high)) ** CURVATURE, 0.0).astype(np.float32)
    return levels


def heun(denoise: Denoise, noise: Tensor, levels: NDArray[np.float32]) -> Tensor:
    """Return data from standard normal noise (n, ...): dx/dσ = (x - D(x; σ)) / σ, solved from the first level to 0.

    Each step but the last looks at the slope at both of its ends, so that the error falls with the square of the
    number of steps; 2 len(levels) - 3 calls of the denoiser.
    """
    x = noise * float(levels[0])
    for here, there in pairwise(levels):
        slope = (x - denoise(x, x.new_tensor(here))) / float(here)
        guess = x + (float(there) - float(here)) * slope
        if there == 0:
            return guess
        other = (guess - denoise(guess, x.new_tensor(there))) / float(there)
        x = x + (float(there) - float(here)) * (slope + other) / 2
    return x


def guided(strength: float, with_class: Tensor, without: Tensor) -> Tensor:
    """Return the denoised data pushed away from what they would be without a class (Ho & Salimans 2022).

    A strength of 1 is the conditional model itself, 0 the unconditional one.
    """
    return torch.lerp(without, with_class, strength)
