"""The Fréchet distance expanded to second order: what each patient moves, and what pairs of patients add."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import array_api_compat as compat
import numpy as np
from numpy.typing import NDArray

from radassay.stats.backend import Tensor, host, summed
from radassay.stats.resample import codes, deal_groups

Array = NDArray[np.float64]
Index = NDArray[np.intp]

ROWS = 1024
"""Rows taken at once; a step holds a few (ROWS, d) arrays."""
MOST_PAIRS, WORK = 2**13, 2**33
"""Pairs of images from which the second-order variance is estimated, and multiplications spent on them at most."""


@dataclass(frozen=True)
class Side:
    """A sample with its mean, its rows in the order of their patients."""

    rows: Tensor
    mean: Tensor
    codes: Index
    """(n,) patient of each row, ascending."""
    names: NDArray[np.str_]
    """(n,) the same by name."""

    @classmethod
    def of(cls, x: Tensor, units: NDArray[Any] | None) -> Side:
        """Return (n, d) rows with their patients; float32 and float64 stay as they are."""
        xp = compat.array_namespace(x)
        names = np.arange(len(x)).astype(str) if units is None else np.asarray(units)
        code = np.arange(len(x)) if units is None else codes(names)
        order = np.argsort(code, kind="stable")
        if x.dtype not in (xp.float32, xp.float64):
            x = xp.astype(x, xp.float64)
        rows = x if (np.diff(order) == 1).all() else xp.take(x, xp.asarray(order, device=compat.device(x)), axis=0)
        return cls(rows, xp.mean(x, axis=0, dtype=xp.float64), code[order], names[order])

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def patients(self) -> int:
        """Return how many patients there are."""
        return int(self.codes[-1]) + 1

    @property
    def starts(self) -> Index:
        """Return the first row of each patient, and the number of rows: (P + 1,)."""
        return np.searchsorted(self.codes, np.arange(self.patients + 1))

    def groups(self, n_groups: int) -> Index:
        """Return the group of each row, whole patients together."""
        return deal_groups(self.names, n_groups)

    def of_groups(self, dealt: Index, n_groups: int) -> Side:
        """Return the patients of the first so many groups, about the mean of all.

        Args:
            dealt: (n,) group of each row.
            n_groups: how many of them.
        """
        kept = np.flatnonzero(dealt < n_groups)
        if len(kept) == len(self):
            return self
        xp = compat.array_namespace(self.rows)
        rows = xp.take(self.rows, xp.asarray(kept, device=compat.device(self.rows)), axis=0)
        return Side(rows, self.mean, np.unique(self.codes[kept], return_inverse=True)[1], self.names[kept])

    def parts(self) -> list[slice]:
        """Return slices of about ROWS rows that split no patient."""
        edges, kept = self.starts, [0]
        while kept[-1] < len(self):
            further = edges[(edges > kept[-1]) & (edges <= kept[-1] + ROWS)]
            kept.append(int(further[-1] if len(further) else edges[edges > kept[-1]][0]))
        return [slice(*pair) for pair in itertools.pairwise(kept)]

    def centred(self, part: slice | Index) -> Tensor:
        """Return some rows about the mean of all, in the precision of the features."""
        xp = compat.array_namespace(self.rows)
        if isinstance(part, slice):
            return self.rows[part] - xp.astype(self.mean, self.rows.dtype)
        index = xp.asarray(part, device=compat.device(self.rows))
        return xp.take(self.rows, index, axis=0) - xp.astype(self.mean, self.rows.dtype)

    def covariance(self) -> Tensor:
        """Return the unbiased covariance, (d, d) float64."""
        xp = compat.array_namespace(self.rows)
        d = self.rows.shape[1]
        total = xp.zeros((d, d), dtype=xp.float64, device=compat.device(self.rows))
        for part in self.parts():
            rows = xp.astype(self.rows[part], xp.float64) - self.mean
            total += rows.T @ rows
        total /= len(self) - 1
        return total


@dataclass(frozen=True)
class Axes:
    """Axes in which both covariances are diag(roots): u = (x - mean) @ matrix."""

    matrices: tuple[Tensor, Tensor]
    """(d, d) for x and for y."""
    roots: Tensor
    """(d,) ascending."""


def influences(side: Side, matrix: Tensor, gap: Tensor, mean: float) -> Array:
    """Return the sum of the influences of each patient's images on the distance, about their mean: (P,).

    Args:
        side: the sample, or some of its patients.
        matrix: (d, d) its axes.
        gap: (d,) its mean less that of the other sample.
        mean: mean over the whole sample of |x|² - |u|², x an image about the mean and u the same in the axes.
    """
    xp = compat.array_namespace(matrix)
    narrow, found = xp.astype(matrix, side.rows.dtype), []
    for part in side.parts():
        rows = side.centred(part)
        turned = rows @ narrow
        terms = xp.sum((rows - turned) * (rows + turned), axis=1, dtype=xp.float64)
        found.append(host(terms + 2.0 * xp.astype(rows @ xp.astype(gap, rows.dtype), xp.float64)))
    return np.asarray(np.add.reduceat(np.concatenate(found) - mean, side.starts[:-1]))


def variance(sides: tuple[Side, Side], shown: tuple[Side, Side], axes: Axes, moved: tuple[Array, Array]) -> float:
    """Return the variance of the bias-corrected distance, from the `influences` of both samples.

    Influences are taken at the samples themselves, so that each patient's own term is in them; it is taken off. They
    still hold the noise of the second order, and twice as much as the distance has: half of it is taken off too, and
    the variance is never below that of the second order alone.

    Args:
        sides: both samples.
        shown: the patients of each that influences were computed for, all or many.
        axes: those of the whole samples.
        moved: (P,) influences of the patients shown.
    """
    xp, first = compat.array_namespace(axes.roots), 0.0
    trace = float(xp.sum(axes.roots))
    for side, some, matrix, influence in zip(sides, shown, axes.matrices, moved, strict=True):
        sizes, n, of_all = np.diff(some.starts), len(side), side.patients / some.patients
        narrow, weights = xp.astype(matrix, side.rows.dtype), _weights(axes.roots, side.rows.dtype)
        own = np.concatenate([_with_himself(some, part, narrow, weights, trace) for part in some.parts()])
        rest = influence - 2.0 * (own - sizes * own.sum() / len(some)) / n
        first += of_all * len(rest) / (len(rest) - 1) * float(np.sum(rest**2)) / n**2
    second = 0.0
    for i, j in ((0, 0), (0, 1), (1, 1)):
        x, y = sides[i], sides[j]
        mean = _mean_square(x, y, axes.matrices[i], axes.matrices[j], axes.roots, same=i == j)
        second += (2.0 if i == j else 4.0) * mean * x.patients * y.patients / (len(x) * len(y)) ** 2
    return max(first - second, second)


def _with_himself(side: Side, part: slice, matrix: Tensor, weights: Tensor, trace: float) -> Array:
    """Return k(P, P) of the patients of some rows: |Σ x|² + Σᵢⱼ (Σ uᵢuⱼ - s λᵢ δᵢⱼ)² / (2 (λᵢ + λⱼ)), s his images."""
    xp = compat.array_namespace(matrix)
    rows = side.centred(part)
    turned = rows @ matrix
    starts = np.flatnonzero(np.diff(side.codes[part], prepend=-1))
    edges, size = np.append(starts, len(rows)), np.diff(starts, append=len(rows))
    squares = turned * turned
    alone = xp.sum(rows * rows + (squares @ weights) * squares - squares / 2, axis=1, dtype=xp.float64)
    found = np.asarray(host(alone)[starts] + trace / 4, dtype=float)
    for patient in np.flatnonzero(size > 1).tolist():
        mine = slice(int(edges[patient]), int(edges[patient + 1]))
        total, spread = xp.sum(rows[mine], axis=0), turned[mine].T @ turned[mine]
        terms = xp.sum(spread * spread * weights) - size[patient] * xp.sum(squares[mine]) / 2
        found[patient] = float(xp.sum(total * total) + terms) + size[patient] ** 2 * trace / 4
    return found


def _weights(roots: Tensor, dtype: Any) -> Tensor:
    """Return 1 / (2 (λᵢ + λⱼ)), (d, d)."""
    xp = compat.array_namespace(roots)
    return xp.astype(0.5 / (roots[:, None] + roots[None, :]), dtype)


def _mean_square(x: Side, y: Side, to_x: Tensor, to_y: Tensor, roots: Tensor, *, same: bool) -> float:
    """Return the mean square of k(P, Q) over pairs of different patients, k as in `_with_himself`."""
    xp = compat.array_namespace(to_x)
    dtype = x.rows.dtype
    weights, narrow = _weights(roots, dtype), [xp.astype(matrix, dtype) for matrix in (to_x, to_y)]
    trace, squares, count = float(xp.sum(roots)), 0.0, 0
    for p, q in _pairs(x.starts, y.starts, min(MOST_PAIRS, WORK // len(roots) ** 2), same=same):
        i, j, first = _images(p, q, x.starts, y.starts)
        left, right = x.centred(i), y.centred(j)
        u, v = left @ narrow[0], right @ narrow[1]
        both = u * v
        terms = left * right + (both @ weights) * both - (u * u + v * v) / 4
        kernel = xp.sum(terms, axis=1, dtype=xp.float64) + trace / 4
        squares, count = squares + float(np.sum(host(summed(kernel[:, None], first, 0)) ** 2)), count + len(p)
    return squares / count


def _pairs(x_starts: Index, y_starts: Index, images: int, *, same: bool) -> list[tuple[Index, Index]]:
    """Return batches of pairs of patients with about so many pairs of images in all, at least one pair.

    Patient p is paired with p + step (modulo their number) for steps spread over all: the same pairs in every order
    of the rows.
    """
    here, there = len(x_starts) - 1, len(y_starts) - 1
    wanted = max(1, int(images * here * there / (x_starts[-1] * y_starts[-1])))
    rounds = min(max(1, round(wanted / here)), there - same)
    steps = np.unique(np.linspace(1, there - 1, rounds).astype(int)) if rounds > 1 else np.ones(1, dtype=int)
    p = np.arange(here)[:: max(1, here // wanted)]
    return [(p, (p + step) % there) for step in steps]


def _images(p: Index, q: Index, x_starts: Index, y_starts: Index) -> tuple[Index, Index, Index]:
    """Return the rows of all pairs of images of pairs of patients, and where each pair of patients begins."""
    s, t = np.diff(x_starts)[p], np.diff(y_starts)[q]
    count = s * t
    first = np.cumsum(count) - count
    within, width = np.arange(count.sum()) - np.repeat(first, count), np.repeat(t, count)
    return np.repeat(x_starts[p], count) + within // width, np.repeat(y_starts[q], count) + within % width, first
