"""Feature likelihood: is a density about the generated images likelier at training images than at fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.stats.manifold import squared_distances

Array = NDArray[np.float64]
Small = NDArray[np.float32]
Blocks = Callable[[], Iterator[tuple[slice, Small]]]

BACKGROUND = 0.01
"""Weight of one broad Gaussian about all training images, which bounds the surprise at a lonely image."""
NARROWEST = 1e-4
"""Least variance of a Gaussian, in units of that of the held-out features: a copy is infinitely likely without it."""
ROUNDS = 50
"""Most steps of the fit."""
CALM = 1e-5
"""The fit ends when a step raises the mean log-likelihood a dimension by less."""
KEPT = 2**29
"""Bytes of distances kept between steps; more are computed anew at every step."""
BLOCK_ROWS = 512


@dataclass(frozen=True)
class Gap:
    """How much likelier training images are than fresh ones under a density about the generated images."""

    value: float
    """Mean surprise of training minus held-out images; near zero where it generalises, far below where it copies."""
    training: Array
    """(n,) surprise of each training image: -100 log-likelihood / dimensions."""
    held_out: Array
    """(m,) the same of each held-out image."""


def likelihood_gap(
    training: NDArray[np.floating[Any]], held_out: NDArray[np.floating[Any]], generated: NDArray[np.floating[Any]]
) -> Gap:
    """Return the generalisation gap of the feature likelihood divergence (Jiralerspong et al. 2023, section 3).

    Features are scaled by the held-out images. Each generated image is the centre of an isotropic Gaussian, all of one
    weight, whose variance is fitted to the training images: one near to a training image shrinks around it. The paper
    climbs by gradient steps; here by expectation and maximisation, whose every step has a closed form and never lowers
    the likelihood. One broad Gaussian stands behind them. The fit itself leans to the training images, so the gap of a
    generator that copies nothing lies somewhat below zero: compare it with that of real images in its place.

    Args:
        training: (n, d) features.
        held_out: (m, d) features of other real images.
        generated: (g, d) features.

    Raises:
        ValueError: fewer than two held-out rows, or no rows elsewhere.
    """
    if len(held_out) < 2 or min(len(training), len(generated)) < 1:
        raise ValueError("a likelihood gap needs training and generated rows and two held-out ones")
    mean = np.mean(held_out, axis=0, dtype=float)
    spread = np.std(held_out, axis=0, dtype=float, ddof=1)
    spread[spread == 0] = 1.0
    real, fresh, centres = (
        ((np.asarray(part, dtype=float) - mean) / spread).astype(np.float32) for part in (training, held_out, generated)
    )
    mixture = _Mixture.fit(real, centres)
    at_training, at_held_out = mixture.surprise(real), mixture.surprise(fresh)
    return Gap(float(at_training.mean() - at_held_out.mean()), at_training, at_held_out)


@dataclass(frozen=True)
class _Mixture:
    """Gaussians about `centres`, all of one weight, and one about everything."""

    centres: Small
    variances: Array
    mean: Array
    variance: float

    @classmethod
    def fit(cls, x: Small, centres: Small) -> _Mixture:
        """Return the mixture whose variances make the rows of x likeliest."""
        mean = x.mean(axis=0, dtype=float)
        variance = max(float(np.mean((x - mean) ** 2)), NARROWEST)
        blocks = _distances(x, centres)
        nearest = np.min([block.min(axis=0) for _, block in blocks()], axis=0)
        mixture = cls(centres, np.maximum(nearest / x.shape[1], NARROWEST), mean, variance)
        before = -np.inf
        for _ in range(ROUNDS):
            variances, likelihood = mixture._step(x, blocks)
            mixture = cls(centres, variances, mean, variance)
            if likelihood - before < CALM:
                break
            before = likelihood
        return mixture

    def surprise(self, x: Small) -> Array:
        """Return -100 log-likelihood / d of each row of x, (n,)."""
        found = [self._shares(x[rows], block)[1] for rows, block in _distances(x, self.centres)()]
        return np.asarray(-100.0 / x.shape[1] * np.concatenate(found))

    def _step(self, x: Small, blocks: Blocks) -> tuple[Array, float]:
        """Return the next variances and the mean log-likelihood a dimension of the present ones."""
        weight, moment, total = np.zeros(len(self.centres)), np.zeros(len(self.centres)), 0.0
        for rows, block in blocks():
            shares, likelihood = self._shares(x[rows], block)
            weight += shares.sum(axis=0)
            shares *= block
            moment += shares.sum(axis=0)
            total += float(likelihood.sum())
        d = x.shape[1]
        found = moment / (d * np.maximum(weight, 1e-12))
        variances = np.where(weight > 1e-6, np.maximum(found, NARROWEST), self.variances)
        return variances, total / (len(x) * d)

    def _shares(self, x: Small, block: Small) -> tuple[Small, Array]:
        """Return the share of each Gaussian in each row, (n, g), and the log-likelihood of the row, (n,)."""
        d = x.shape[1]
        logs = block * (-0.5 / self.variances).astype(np.float32)
        constant = -0.5 * d * np.log(self.variances) + np.log((1 - BACKGROUND) / len(self.centres))
        logs += constant.astype(np.float32)
        far = np.sum((x - self.mean) ** 2, axis=1, dtype=float)
        behind = -0.5 * far / self.variance - 0.5 * d * np.log(self.variance) + np.log(BACKGROUND)
        top = np.maximum(logs.max(axis=1), behind)
        logs -= top[:, None].astype(np.float32)
        shares = np.exp(logs, out=logs)
        sums = shares.sum(axis=1, dtype=float) + np.exp(behind - top)
        shares /= sums[:, None].astype(np.float32)
        return shares, top + np.log(sums) - 0.5 * d * np.log(2 * np.pi)


def _distances(x: Small, centres: Small) -> Blocks:
    """Return a function that yields rows and their squared distances to the centres, kept where they are few."""

    def computed() -> Iterator[tuple[slice, Small]]:
        for start in range(0, len(x), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            yield rows, squared_distances(x[rows], centres)

    if 4 * len(x) * len(centres) > KEPT:
        return computed
    kept = list(computed())
    return lambda: iter(kept)
