"""Fréchet distance between two sets of features, its bias taken away and its interval over patients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radassay.stats.resample import Interval, deal_groups, jackknife_bias, jackknife_interval

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Sums from which means and covariances follow, also without a part of the rows."""

    n: float
    total: Array
    """(d,) sum of the rows."""
    outer: Array
    """(d, d) sum of the rows' outer products."""

    @classmethod
    def of(cls, x: Array) -> Moments:
        """Return the sums of (n, d) rows."""
        return cls(len(x), x.sum(axis=0), x.T @ x)

    def __sub__(self, part: Moments) -> Moments:
        return Moments(self.n - part.n, self.total - part.total, self.outer - part.outer)

    @property
    def mean(self) -> Array:
        """Return the mean, (d,)."""
        return self.total / self.n

    @property
    def covariance(self) -> Array:
        """Return the unbiased covariance, (d, d)."""
        return (self.outer - np.outer(self.total, self.total) / self.n) / (self.n - 1)


@dataclass(frozen=True)
class Frechet:
    """A Fréchet distance with what is needed to trust it."""

    value: float
    """Bias-corrected; it may lie below zero where there is no difference."""
    plain: float
    """As usually published: biased upward at small n."""
    interval: Interval | None
    """None where a sample has fewer than two patients."""


def root_factor(covariance: Array) -> Array:
    """Return a (d, d) matrix F with F Fᵀ = covariance: Cholesky, or eigenvectors where the rank is short."""
    try:
        return np.asarray(np.linalg.cholesky(covariance), dtype=float)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))


def gaussian_distance(mean: Array, covariance: Array, other_mean: Array, other_covariance: Array) -> float:
    """Return |m₁-m₂|² + tr S₁ + tr S₂ - 2 tr (S₁^½ S₂ S₁^½)^½ (Dowson & Landau 1982, eq. 4).

    The last trace is the sum of the roots of the eigenvalues of Fᵀ S₂ F with S₁ = F Fᵀ: symmetric, hence real.
    """
    return _distance(mean, covariance, root_factor(covariance), other_mean, other_covariance)


def frechet_distance(x: Array, y: Array) -> float:
    """Return the plain Fréchet distance of (n, d) and (m, d) features; biased upward by about 1/n + 1/m."""
    a, b = Moments.of(np.asarray(x, dtype=float)), Moments.of(np.asarray(y, dtype=float))
    return gaussian_distance(a.mean, a.covariance, b.mean, b.covariance)


def frechet(x: Array, y: Array, x_units: NDArray[np.str_], y_units: NDArray[np.str_], level: float = 0.95) -> Frechet:
    """Return the bias-corrected Fréchet distance and its interval over patients.

    The bias of order 1/n is taken away by the delete-a-group jackknife of both samples; this is what extrapolation
    in 1/n does (Chong & Forsyth 2020), from subsets of 19/20 instead of halves, which keeps the covariances full
    rank and scatters less. Patients, not images, are left out, so that several images of a patient do not feign more
    evidence. The jackknife variance is that of the plain distance; near zero it errs on the wide side.

    Args:
        x: (n, d) features.
        y: (m, d) features.
        x_units: (n,) patient of each row of x.
        y_units: (m,) patient of each row of y.
        level: nominal coverage.

    Raises:
        ValueError: fewer than two rows in x or y.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError("a covariance needs two rows")
    centre = np.asarray(x, dtype=float).mean(axis=0)
    x, y = np.asarray(x, dtype=float) - centre, np.asarray(y, dtype=float) - centre
    a, b = Moments.of(x), Moments.of(y)
    mean_a, cov_a, factor_a = a.mean, a.covariance, root_factor(a.covariance)
    mean_b, cov_b, factor_b = b.mean, b.covariance, root_factor(b.covariance)
    plain = _distance(mean_a, cov_a, factor_a, mean_b, cov_b)
    without_x = np.array([_distance(mean_b, cov_b, factor_b, p.mean, p.covariance) for p in _left_out(a, x, x_units)])
    without_y = np.array([_distance(mean_a, cov_a, factor_a, p.mean, p.covariance) for p in _left_out(b, y, y_units)])
    if min(len(without_x), len(without_y)) < 2:
        return Frechet(plain, plain, None)
    value = plain - jackknife_bias(plain, without_x) - jackknife_bias(plain, without_y)
    return Frechet(value, plain, jackknife_interval(value, without_x, without_y, level=level))


def _distance(mean: Array, covariance: Array, factor: Array, other_mean: Array, other_covariance: Array) -> float:
    gap = mean - other_mean
    roots = np.sqrt(np.clip(np.linalg.eigvalsh(factor.T @ other_covariance @ factor), 0.0, None))
    return float(gap @ gap + np.trace(covariance) + np.trace(other_covariance) - 2.0 * roots.sum())


def _left_out(whole: Moments, x: Array, units: NDArray[np.str_]) -> Iterator[Moments]:
    """Yield the moments without each group of patients; nothing where a group is all there is."""
    groups = deal_groups(units)
    for group in range(int(groups.max()) + 1):
        part = Moments.of(x[groups == group])
        if whole.n - part.n >= 2:
            yield whole - part
