"""How strongly two labels of the same images go together, with an interval over patients."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

Counts = NDArray[np.float64]


class Association(NamedTuple):
    """Cramér's V with its limits, and how many independent images it rests on."""

    value: float
    low: float
    high: float
    method: str
    effective: float
    """Independent images of evenly filled classes that would say as much."""
    shape: tuple[int, int]
    """Kinds of the attribute and of the label."""


def association(
    attribute: NDArray[np.str_], labels: NDArray[np.str_], units: NDArray[np.str_], level: float = 0.95
) -> Association:
    """Return Cramér's V of an attribute and a label whose classes count alike, with an interval over patients.

    It is corrected for its upward bias (Bergsma, J Korean Stat Soc 2013;42:323), and in [0, 1]. As it stands V cannot
    come near 1 where one class is rare. Here every class has the same weight, so that V depends on the shares of kinds
    within the classes alone: of two kinds, evenly filled, 0.2 is an area under the ROC curve of 0.6. The statistic is
    as if the classes were as large as the harmonic mean of their sizes, divided by the design effect of patients (the
    first-order correction of Rao & Scott, JASA 1981;76:221): the variance of the cells with patients as units over that
    with images as units, at least 1. The limits are the noncentralities that make it as large or as small (Smithson,
    Confidence Intervals, 2003, ch. 4); for the upper one a statistic below its expectation without any association
    counts as that.

    Args:
        attribute: (n,) kind of each image.
        labels: (n,) class of each image.
        units: (n,) patient of each image.
        level: coverage of the interval.

    Raises:
        ValueError: attribute or label is constant.
    """
    rows, columns = _codes(attribute), _codes(labels)
    table = _table(rows, columns)
    if min(table.shape) < 2:
        raise ValueError("an association needs two kinds of either")
    sizes = table.sum(axis=0)
    shares = table / sizes / len(sizes)
    alike = len(sizes) ** 2 / float((1 / sizes).sum())
    effective = alike / _design_effect(rows, columns, shares, sizes, _codes(units))
    freedom, kinds = (table.shape[0] - 1) * (table.shape[1] - 1), min(table.shape) - 1
    statistic = _phi_squared(shares) * effective
    tail = (1 - level) / 2
    value = _corrected(shares, effective)
    low, high = (
        min(1.0, math.sqrt(_noncentrality(size, freedom, share) / effective / kinds))
        for size, share in ((statistic, 1 - tail), (max(statistic, float(freedom)), tail))
    )
    method = "noncentral chi-square (Smithson 2003), patients by their design effect (Rao & Scott 1981), classes alike"
    return Association(value, min(low, value), max(high, value), method, effective, (table.shape[0], table.shape[1]))


def detectable_association(
    effective: float, shape: tuple[int, int], bound: float, *, level: float = 0.95, power: float = 0.95
) -> float:
    """Return the smallest Cramér's V whose lower limit lies above `bound` with this power, at most 1.

    Args:
        effective: independent images, as `association` returns them.
        shape: kinds of either label.
        bound: V that the lower limit must pass.
        level: coverage of the interval.
        power: share of repetitions in which it must be seen.
    """
    freedom, kinds = (shape[0] - 1) * (shape[1] - 1), min(shape) - 1
    least = bound**2 * kinds * effective
    needed = float(ncx2.ppf(0.5 + level / 2, freedom, least)) if least else float(chi2.ppf(0.5 + level / 2, freedom))
    return min(1.0, math.sqrt(_noncentrality(needed, freedom, 1 - power) / effective / kinds))


def _codes(labels: NDArray[np.str_]) -> NDArray[np.intp]:
    return np.asarray(np.unique(np.asarray(labels), return_inverse=True)[1], dtype=np.intp).reshape(-1)


def _table(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Counts:
    table = np.zeros((int(rows.max()) + 1, int(columns.max()) + 1))
    np.add.at(table, (rows, columns), 1)
    return table


def _phi_squared(shares: Counts) -> float:
    """Return the mean square contingency of shares that sum to 1."""
    expected = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    return float(((shares - expected) ** 2 / expected).sum())


def _corrected(shares: Counts, n: float) -> float:
    r, c = shares.shape
    if min(r, c) < 2 or n < 2:
        return 0.0
    phi = max(0.0, _phi_squared(shares) - (r - 1) * (c - 1) / (n - 1))
    r_, c_ = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return float(np.sqrt(min(1.0, phi / max(1e-12, min(r_ - 1, c_ - 1)))))


def _design_effect(
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    shares: Counts,
    sizes: Counts,
    cluster: NDArray[np.intp],
) -> float:
    """Return how much larger the cells' variance is with patients than with images as units, at least 1."""
    clusters = int(cluster.max()) + 1
    if clusters == len(rows):
        return 1.0
    weight, other = 1 / sizes[columns], 1 / len(sizes)
    together = apart = 0.0
    for i, share in enumerate(shares.sum(axis=1)):
        for j in range(len(sizes)):
            excess = weight * ((rows == i) - share) * ((columns == j) - other)
            together += float((np.bincount(cluster, excess, minlength=clusters) ** 2).sum()) / share
            apart += float((excess**2).sum()) / share
    return max(1.0, together / apart)


def _noncentrality(statistic: float, freedom: int, share: float) -> float:
    """Return the noncentrality under which this share of statistics lies below; 0 where none is small enough."""
    if statistic <= 0 or chi2.cdf(statistic, freedom) <= share:
        return 0.0
    top = statistic + 10.0
    while ncx2.cdf(statistic, freedom, top) > share:
        top *= 2
    return float(brentq(lambda nc: float(ncx2.cdf(statistic, freedom, nc)) - share, 0.0, top, xtol=1e-9))
