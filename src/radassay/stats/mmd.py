"""Kernel distance (KID): the full unbiased U-statistic, its interval over patients, in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from radassay.stats.resample import Interval, codes

Array = NDArray[np.float64]
BLOCK = 512
"""Rows of the kernel matrix held at once."""


@dataclass(frozen=True)
class Kid:
    """A kernel distance, its standard error and interval."""

    value: float
    """Unbiased; it scatters around zero, also below, where there is no difference."""
    error: float
    """Standard error, over patients; near zero it errs on the wide side."""
    interval: Interval


def cubic_kernel(x: Array, y: Array) -> Array:
    """Return (x·y / d + 1)³, the kernel of KID (Bińkowski 2018, eq. 4): (n, d), (m, d) -> (n, m)."""
    base = x @ y.T
    base /= x.shape[1]
    base += 1.0
    cube = base * base
    cube *= base
    return np.asarray(cube)


def kid(x: Array, y: Array, x_units: NDArray[np.str_], y_units: NDArray[np.str_], level: float = 0.95) -> Kid:
    """Return the squared maximum mean discrepancy, all pairs used (Gretton 2012, eq. 3; Bińkowski 2018).

    Pairs of images of one patient are left out of the within-sample means: they resemble each other and would feign a
    difference. With one image a patient this is the usual U-statistic. The standard error comes from the first-order
    (Hoeffding) projections, the row means of the kernel, summed by patient. Where the distance is near zero the
    projections also hold the noise of the second order, about twice what is needed, so the interval errs on the wide
    side. No more than a block of the kernel matrix is held.

    Args:
        x: (n, d) features.
        y: (m, d) features.
        x_units: (n,) patient of each row of x.
        y_units: (m,) patient of each row of y.
        level: nominal coverage.

    Raises:
        ValueError: fewer than two patients in x or y.
    """
    x, y = np.ascontiguousarray(x, dtype=float), np.ascontiguousarray(y, dtype=float)
    x_codes, y_codes = codes(x_units), codes(y_units)
    if min(x_codes.max(initial=0), y_codes.max(initial=0)) < 1:
        raise ValueError("a kernel distance needs two patients in each sample")
    within_x, pairs_x = _within(x, x_codes)
    within_y, pairs_y = _within(y, y_codes)
    across_x, across_y = _across(x, y)
    value = float(within_x.sum() / pairs_x.sum() + within_y.sum() / pairs_y.sum() - 2.0 * across_x.mean())
    variance = _clustered(within_x / pairs_x - across_x, x_codes) + _clustered(within_y / pairs_y - across_y, y_codes)
    error = 2.0 * variance**0.5
    reach = float(stats.norm.ppf(0.5 + level / 2)) * error
    method = "Hoeffding projections of the U-statistic, summed by patient"
    return Kid(value, error, Interval(value - reach, value + reach, method))


def _within(x: Array, unit: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return the sum of each row's kernel with rows of other patients, and how many these are: (n,), (n,)."""
    sums = np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        kernel = cubic_kernel(x[rows], x)
        kernel[unit[rows, None] == unit[None, :]] = 0.0
        sums[rows] = kernel.sum(axis=1)
    return sums, len(x) - np.bincount(unit)[unit].astype(float)


def _across(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the mean kernel of each row with the other sample: (n,), (m,)."""
    rows_mean, columns = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        kernel = cubic_kernel(x[rows], y)
        rows_mean[rows] = kernel.mean(axis=1)
        columns += kernel.sum(axis=0)
    return rows_mean, columns / len(x)


def _clustered(projection: Array, unit: NDArray[np.intp]) -> float:
    """Return the variance of the mean of a projection whose rows cluster by patient."""
    sums = np.bincount(unit, weights=projection - projection.mean())
    n_units = len(sums)
    return float(n_units / (n_units - 1) * np.sum(sums**2) / len(projection) ** 2)
