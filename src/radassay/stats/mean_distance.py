"""Distance of the means of two samples, part by part: corrected for what sampling alone adds, with its interval.

A Wasserstein distance on a line is such a distance: the means are the distribution functions at each grey value. So is
a distance of mean spectra.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from radassay.stats.resample import Interval, codes, deal_groups

Array = NDArray[np.float64]

MOST_UNITS = 400
"""Patients of a sample beyond which they are put into as many groups, so that memory stays bounded."""
DRAWS = 400
"""Gaussian draws behind an interval."""


@dataclass(frozen=True)
class MeanDistance:
    """A distance of means and what is needed to trust it."""

    value: float
    """Less what two samples of one population would show; below zero where they differ by less than that."""
    plain: float
    """As it is, biased upward."""
    error: float
    """Standard error over patients; NaN where no draws were asked for."""
    interval: Interval | None
    """None where no draws were asked for."""


@dataclass(frozen=True)
class Means:
    """The mean of (n, m) rows and how far each patient, or group of patients, moves it."""

    mean: Array
    """(m,)"""
    moves: NDArray[np.float32]
    """(units, m); the squares of a column sum to the variance of its mean."""

    @classmethod
    def of(cls, rows: NDArray[np.floating[Any]], units: NDArray[np.str_]) -> Means:
        """Return the mean of (n, m) rows whose units are patients.

        Raises:
            ValueError: fewer than two patients.
        """
        unit = codes(units)
        if unit.max(initial=0) + 1 > MOST_UNITS:
            unit = deal_groups(units, MOST_UNITS)
        count = int(unit.max(initial=0)) + 1
        if count < 2:
            raise ValueError("a distance of means needs two patients in each sample")
        mean = np.asarray(rows, dtype=float).mean(axis=0)
        sums = np.zeros((count, rows.shape[1]), dtype=np.float32)
        order = np.argsort(unit, kind="stable")
        starts = np.searchsorted(unit[order], np.arange(count))
        centred = np.asarray(rows, dtype=np.float32)[order] - mean.astype(np.float32)
        sums[:] = np.add.reduceat(centred, starts, axis=0)
        return cls(mean, sums * np.float32((count / (count - 1)) ** 0.5 / len(rows)))

    @property
    def variance(self) -> Array:
        """Return the variance of the mean over patients, (m,)."""
        return np.asarray(np.einsum("um,um->m", self.moves, self.moves, dtype=float))


def mean_distance(
    x: Means, y: Means, weights: Array, rng: np.random.Generator | None = None, level: float = 0.95
) -> MeanDistance:
    """Return Σ w |mean y - mean x| less its expectation where both means are of one population.

    That expectation is √(2/π) Σ w σ, with σ the standard error of each difference over patients. The interval is for
    samples of this size. Its spread is that of the distance when the difference, shrunk by what sampling adds to its
    square (James & Stein 1961), is redrawn with the covariance that the patients show: the linear approximation alone
    would be about twice too wide where there is no difference, since a distance cannot fall below its kink at zero.

    Args:
        x: means of one sample.
        y: means of the other, the same columns.
        weights: (m,) weight of each column, at least 0.
        rng: source of the draws; None computes the value alone.
        level: nominal coverage.
    """
    gap, variance = y.mean - x.mean, x.variance + y.variance
    plain = float(weights @ np.abs(gap))
    value = plain - float((2 / np.pi) ** 0.5 * (weights @ np.sqrt(variance)))
    if rng is None:
        return MeanDistance(value, plain, float("nan"), None)
    squares, noise = float(weights @ gap**2), float(weights @ variance)
    kept = max(0.0, 1.0 - noise / squares) ** 0.5 if squares > 0 else 0.0
    centre = (kept * gap).astype(np.float32)
    drawn = np.empty(DRAWS)
    for start in range(0, DRAWS, 50):
        moved = np.broadcast_to(centre, (50, len(centre))).copy()
        for part in (x, y):
            moved += rng.standard_normal((50, len(part.moves)), dtype=np.float32) @ part.moves
        drawn[start : start + 50] = np.abs(moved, out=moved) @ weights.astype(np.float32)
    error = float(drawn.std(ddof=1))
    reach = float(norm.ppf(0.5 + level / 2)) * error
    return MeanDistance(value, plain, error, Interval(value - reach, value + reach, METHOD))


METHOD = f"{DRAWS} Gaussian draws of the difference, with its covariance over patients; for samples of this size"
