"""Kernel distance (KID): the full unbiased U-statistic and its interval over patients, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import array_api_compat as compat
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from radassay.stats.backend import Tensor, host, summed
from radassay.stats.gram import Rows, Two, walk
from radassay.stats.resample import Interval

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kid:
    """A kernel distance, its standard error and interval."""

    value: float
    """Unbiased; it scatters around zero, also below, where there is no difference."""
    error: float
    """Standard error, over patients."""
    interval: Interval


def kid(x: Tensor, y: Tensor, x_units: NDArray[np.str_], y_units: NDArray[np.str_], level: float = 0.95) -> Kid:
    """Return the squared maximum mean discrepancy, all pairs used (Gretton 2012, eq. 3; Bińkowski 2018).

    Pairs of images of one patient are left out of the within-sample means: they resemble each other and would feign a
    difference. With one image a patient this is the usual U-statistic. Memory is bounded by `gram.TILE`.

    Args:
        x: (n, d) features.
        y: (m, d) features.
        x_units: (n,) patient of each row of x.
        y_units: (m,) patient of each row of y.
        level: nominal coverage.

    Raises:
        ValueError: fewer than two patients in x or y.
    """
    two = Two.of(x, y, x_units, y_units)
    sums = KernelSums(two)
    walk(two, [sums])
    return sums.kid(level)


@dataclass
class _Sums:
    """Sums of the kernel by pairs of patients H: with each patient as the row, and of all squares."""

    size: Array
    """(P,) images of each patient."""
    total: Array = field(init=False)
    """(P,) Σ H over the other patients."""
    weighted: Array = field(init=False)
    """(P,) Σ s H over the other patients, s their images."""
    squares: float = 0.0

    def __post_init__(self) -> None:
        self.total, self.weighted = np.zeros(len(self.size)), np.zeros(len(self.size))

    def add(self, rows: slice, total: Tensor, weighted: Tensor) -> None:
        self.total[rows] += host(total)
        self.weighted[rows] += host(weighted)


class KernelSums:
    """Reads tiles into a kernel distance. The kernel is (x·y / d + 1)³ (Bińkowski 2018, eq. 4).

    It is taken less 1, which leaves the distance as it is and keeps digits.
    """

    def __init__(self, two: Two) -> None:
        self._two = two
        sizes = [np.bincount(rows.codes).astype(float) for rows in (two.x, two.y)]
        if min(map(len, sizes)) < 2:
            raise ValueError("a kernel distance needs two patients in each sample")
        self._inside = [_Sums(size) for size in sizes]
        self._outside = [_Sums(size) for size in sizes]

    def within(self, side: int, rows: Rows, a: slice, b: slice, gram: Tensor) -> None:
        """Add the pairs of one sample."""
        sums = self._inside[side]
        by_patient, here, there = self._by_patient(rows, rows, a, b, gram)
        xp = compat.array_namespace(by_patient)
        if a == b:
            own = xp.arange(by_patient.shape[0], device=compat.device(gram))
            by_patient[own, own] = 0.0
        self._add(sums, sums if a != b else None, by_patient, here, there)

    def between(self) -> None:
        """Go on."""

    def across(self, two: Two, a: slice, b: slice, gram: Tensor) -> None:
        """Add the pairs of both samples."""
        by_patient, here, there = self._by_patient(two.x, two.y, a, b, gram)
        before = self._outside[1].squares
        self._add(self._outside[0], self._outside[1], by_patient, here, there)
        self._outside[1].squares = before

    def kid(self, level: float = 0.95) -> Kid:
        """Return the distance and its interval.

        The first-order (Hoeffding) projections of the U-statistic, summed by patient, give 4 ζ₁/n + 4 ζ₂/n² in
        expectation, where its variance is 4 ζ₁/n + 2 ζ₂/n²: at a distance near zero, where ζ₁ vanishes, they alone
        would be √2 too wide. The second order is estimated from the squares of the doubly centred kernel and half of
        it taken away (Sutherland & Deka 2019 do so for one image a patient).
        """
        (x, y), (xy, yx) = self._inside, self._outside
        n, m = x.size.sum(), y.size.sum()
        pairs = [side.size * (side.size.sum() - side.size) for side in (x, y)]
        means = [side.total.sum() / pair.sum() for side, pair in zip((x, y), pairs, strict=True)]
        across = xy.total.sum() / (n * m)
        first, second = 0.0, 4.0 * _centred_squares(xy, yx, across, n, m) / (n * m) ** 2
        for side, other, pair, mean, number in zip((x, y), (xy, yx), pairs, means, (m, n), strict=True):
            influence = (side.total - mean * pair) / pair.sum() - (other.total - across * side.size * number) / (n * m)
            first += 4.0 * len(pair) / (len(pair) - 1) * float(np.sum(influence**2))
            second += 2.0 * _own_squares(side, mean, pair) / pair.sum() ** 2
        value = float(means[0] + means[1] - 2.0 * across)
        error = max(first - second, second, 0.0) ** 0.5
        reach = float(stats.norm.ppf(0.5 + level / 2)) * error
        method = "Hoeffding projections of the U-statistic, first and second order, summed by patient"
        return Kid(value, error, Interval(value - reach, value + reach, method))

    def _by_patient(self, x: Rows, y: Rows, a: slice, b: slice, gram: Tensor) -> tuple[Tensor, slice, slice]:
        """Return the kernel summed by pairs of patients, and the patients of its rows and columns."""
        xp = compat.array_namespace(gram)
        base = gram + (x.along[a][:, None] + self._two.centre)
        base += y.along[b][None, :]
        base /= x.values.shape[1]
        kernel = base + 3.0
        kernel *= base
        kernel += 3.0
        kernel *= base
        patients = []
        for axis, (rows, part) in enumerate(((x, a), (y, b))):
            code = rows.codes[part]
            patients.append(slice(int(code[0]), int(code[-1]) + 1))
            if len(code) > code[-1] - code[0] + 1:
                kernel = summed(kernel, np.searchsorted(code, np.arange(code[0], code[-1] + 1)), axis)
        return xp.asarray(kernel), patients[0], patients[1]

    @staticmethod
    def _add(rows: _Sums, columns: _Sums | None, by_patient: Tensor, here: slice, there: slice) -> None:
        xp = compat.array_namespace(by_patient)
        other = columns if columns is not None else rows
        rows.add(here, *_totals(by_patient, other.size[there], 1))
        squares = float(xp.sum(by_patient * by_patient, dtype=xp.float64))
        rows.squares += squares
        if columns is not None:
            columns.add(there, *_totals(by_patient, rows.size[here], 0))
            columns.squares += squares


def _totals(by_patient: Tensor, size: Array, axis: int) -> tuple[Tensor, Tensor]:
    """Return the sums along an axis, plain and weighted by the images of each patient there."""
    xp = compat.array_namespace(by_patient)
    plain = xp.sum(by_patient, axis=axis, dtype=xp.float64)
    if (size == 1.0).all():
        return plain, plain
    weight = xp.asarray(size, dtype=by_patient.dtype, device=compat.device(by_patient))
    return plain, xp.sum(by_patient * (weight[None, :] if axis else weight[:, None]), axis=axis, dtype=xp.float64)


def _own_squares(side: _Sums, mean: float, pairs: Array) -> float:
    """Return Σ over pairs of different patients of (H - s s' (a + a' - mean))², a the mean kernel of a patient."""
    a, weight = side.total / pairs, side.size**2
    b = a - mean / 2
    mixed = 2.0 * float(np.sum(side.size * b * side.weighted))
    fitted = 2.0 * float(np.sum(weight * b**2) * weight.sum() + np.sum(weight * b) ** 2 - 2 * np.sum((weight * b) ** 2))
    return max(side.squares - 2.0 * mixed + fitted, 0.0)


def _centred_squares(xy: _Sums, yx: _Sums, mean: float, n: float, m: float) -> float:
    """Return the same over pairs of a patient of x and one of y."""
    a, b = xy.total / (xy.size * m) - mean / 2, yx.total / (yx.size * n) - mean / 2
    u, v = xy.size**2, yx.size**2
    mixed = float(np.sum(xy.size * a * xy.weighted) + np.sum(yx.size * b * yx.weighted))
    fitted = float(np.sum(u * a**2) * v.sum() + np.sum(v * b**2) * u.sum() + 2 * np.sum(u * a) * np.sum(v * b))
    return max(xy.squares - 2.0 * mixed + fitted, 0.0)
