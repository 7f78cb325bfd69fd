"""Distance of the means of two samples, part by part: corrected for what sampling alone adds, with its interval.

A Wasserstein distance on a line is such a distance: the means are the distribution functions at each grey value. So is
a distance of mean spectra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from radassay.stats.conservative import conservative
from radassay.stats.resample import Interval, codes, deal_groups, jackknife_variance

Array = NDArray[np.float64]

MOST_UNITS = 400
"""Patients of a sample beyond which they are put into as many groups, so that memory stays bounded."""
DRAWS = 300
"""Gaussian draws behind an interval."""
SHOWN = 0.8
"""Share of draws without a difference above which a distance is taken for one."""


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
    x: Means,
    y: Means,
    weights: Array,
    rng: np.random.Generator | None = None,
    *,
    other_weights: Sequence[Array] = (),
    level: float = 0.95,
) -> MeanDistance:
    """Return Σ w |mean y - mean x| less its expectation where both means are of one population.

    That expectation is √(2/π) Σ w σ, with σ the standard error of each difference over patients. The interval is for
    samples of this size. Its variance lies between two: that of the linear approximation, which holds for a clear
    difference, and that of the distance where there is none, from Gaussian draws with the covariance that the patients
    show. A distance cannot fall below its kink at zero, so that the first alone would be too wide there. The share of
    the first is that of the squared difference which sampling does not explain (James & Stein 1961), and all where
    the distance is larger than `SHOWN` of those draws: else small differences were held in 0.88 to 0.93 of simulated
    samples only. Where nothing differs the interval covers more than stated, as what is large by chance then has a
    large error as well.

    Args:
        x: means of one sample.
        y: means of the other, the same columns.
        weights: (m,) weight of each column, at least 0.
        rng: source of the draws; None computes the value alone.
        other_weights: the weights without each group of patients of a third sample that they were estimated from, whose
            jackknife variance is then added; none where they are fixed.
        level: nominal coverage.
    """
    gap, variance = y.mean - x.mean, x.variance + y.variance
    plain, value = float(weights @ np.abs(gap)), _value(gap, variance, weights)
    if rng is None:
        return MeanDistance(value, plain, float("nan"), None)
    signed = np.sign(gap) * weights
    squares, noise = float(weights @ gap**2), float(weights @ variance)
    share = max(0.0, 1.0 - noise / squares) if squares > 0 else 0.0
    linear = sum(float(np.sum((part.moves @ signed) ** 2)) for part in (x, y))
    drawn = np.zeros((DRAWS, len(gap)), dtype=np.float32)
    for part in (x, y):
        drawn += rng.standard_normal((DRAWS, len(part.moves)), dtype=np.float32) @ part.moves
    none = np.abs(drawn, out=drawn) @ weights.astype(np.float32)
    if plain > float(np.quantile(none, SHOWN)):
        share = 1.0
    others = [_value(gap, variance, other) for other in other_weights]
    error = (
        share * linear + (1 - share) * float(none.var(ddof=1)) + (jackknife_variance(others) if others else 0.0)
    ) ** 0.5
    reach = float(norm.ppf(0.5 + level / 2)) * error
    return MeanDistance(value, plain, error, Interval(value - reach, value + reach, METHOD))


def _value(gap: Array, variance: Array, weights: Array) -> float:
    """Return the distance less what sampling alone would show."""
    return float(weights @ (np.abs(gap) - (2 / np.pi) ** 0.5 * np.sqrt(variance)))


METHOD = conservative(
    "normal, variance over patients, linear, or by Gaussian draws where no difference is seen; for this size",
    "where nothing or little differs",
)
