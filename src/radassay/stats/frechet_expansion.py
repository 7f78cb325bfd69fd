"""The Fréchet distance expanded to second order: what each patient moves, and what pairs of patients add."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
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
PAIRS, PAIRED, FEWEST = 2**13, 2**11, 64
"""Pairs of images from which the second-order variance is estimated, images of a sample that they are pairs of, and
fewest pairs of patients, however many images they have."""
STEP, TAIL = 0.5, 1e-8
"""Step of the sum that stands for 1 / (λᵢ + λⱼ), and what is cut off its ends: both cost less than 1e-7 of it."""


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

    @property
    def trace(self) -> float:
        """Return the sum of the roots."""
        return float(compat.array_namespace(self.roots).sum(self.roots))

    def weights(self, dtype: Any) -> Tensor:
        """Return a (d, r) matrix Q with Q Qᵀ = 1 / (2 (λᵢ + λⱼ)).

        1/x is the integral of exp(s - x eˢ) over all s, whose sum over even steps converges exponentially (Beylkin &
        Monzón 2010, Appl Comput Harmon Anal 28:131). How many terms that takes grows with the logarithm of the ratio of
        the roots, not with d.
        """
        xp, roots = compat.array_namespace(self.roots), host(self.roots)
        least, most = np.log(TAIL / (2.0 * roots[-1])), np.log(-np.log(TAIL) / (2.0 * roots[0]))
        s = np.arange(least, most + STEP, STEP)
        found = np.exp(s / 2.0 - roots[:, None] * np.exp(s)) * (STEP / 2.0) ** 0.5
        return xp.asarray(found, dtype=dtype, device=compat.device(self.roots))


def influences(side: Side, axes: Axes, which: int, gap: Tensor, mean: float) -> tuple[Array, Array]:
    """Return how far each patient moves the distance, and his second-order term with himself: (P,) and (P,).

    The first is the sum of the influences of his images about their mean. The second is k(P, P) = |Σ x|² +
    Σᵢⱼ (Σ uᵢuⱼ - s λᵢ δᵢⱼ)² / (2 (λᵢ + λⱼ)) with sums over his s images, x about the mean and u the same in the axes.

    Args:
        side: the sample, or some of its patients.
        axes: those of the whole samples.
        which: 0 for the first sample, 1 for the second.
        gap: (d,) its mean less that of the other sample.
        mean: mean over the whole sample of |x|² - |u|².
    """
    xp, dtype = compat.array_namespace(gap), side.rows.dtype
    narrow, weights, trace = xp.astype(axes.matrices[which], dtype), axes.weights(dtype), axes.trace
    moved, own = [], []
    for part in side.parts():
        rows = side.centred(part)
        turned = rows @ narrow
        terms = xp.sum((rows - turned) * (rows + turned), axis=1, dtype=xp.float64)
        moved.append(host(terms + 2.0 * xp.astype(rows @ xp.astype(gap, dtype), xp.float64)))
        own.append(_with_himself(side.codes[part], rows, turned, weights, trace))
    return np.asarray(np.add.reduceat(np.concatenate(moved) - mean, side.starts[:-1])), np.concatenate(own)


def variance(
    sides: tuple[Side, Side], shown: tuple[Side, Side], axes: Axes, told: tuple[tuple[Array, Array], ...]
) -> float:
    """Return the variance of the bias-corrected distance, from the `influences` of both samples.

    Influences are taken at the samples themselves, so that each patient's own term is in them; it is taken off. They
    still hold the noise of the second order, and twice as much as the distance has: half of it is taken off too, and
    the variance is never below that of the second order alone.

    Args:
        sides: both samples.
        shown: the patients of each that influences were computed for, all or many.
        axes: those of the whole samples.
        told: the influences and own terms of the patients shown, of each sample.
    """
    first = 0.0
    for side, some, (influence, own) in zip(sides, shown, told, strict=True):
        sizes, n, of_all = np.diff(some.starts), len(side), side.patients / some.patients
        rest = influence - 2.0 * (own - sizes * own.sum() / len(some)) / n
        first += of_all * len(rest) / (len(rest) - 1) * float(np.sum(rest**2)) / n**2
    second, weights = 0.0, axes.weights(sides[0].rows.dtype)
    paired = [_Paired.of(side, matrix) for side, matrix in zip(sides, axes.matrices, strict=True)]
    for i, j in ((0, 0), (0, 1), (1, 1)):
        x, y = sides[i], sides[j]
        mean = _mean_square(paired[i], paired[j], weights, axes.trace, same=i == j)
        second += (2.0 if i == j else 4.0) * mean * x.patients * y.patients / (len(x) * len(y)) ** 2
    return max(first - second, second)


def _with_himself(codes: Index, rows: Tensor, turned: Tensor, weights: Tensor, trace: float) -> Array:
    """Return k(P, P), as in `influences`, of the patients of some rows."""
    xp = compat.array_namespace(rows)
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    edges, size = np.append(starts, len(rows)), np.diff(starts, append=len(rows))
    squares = turned * turned
    alone = xp.sum(rows * rows - squares / 2, axis=1, dtype=xp.float64)
    alone += xp.sum((squares @ weights) ** 2, axis=1, dtype=xp.float64)
    found = np.asarray(host(alone)[starts] + trace / 4, dtype=float)
    for patient in np.flatnonzero(size > 1).tolist():
        mine = slice(int(edges[patient]), int(edges[patient + 1]))
        total, images = xp.sum(rows[mine], axis=0), int(size[patient])
        terms = _of_pairs(turned[mine], weights) - images * float(xp.sum(squares[mine])) / 2
        found[patient] = float(xp.sum(total * total)) + terms + images**2 * trace / 4
    return found


def _of_pairs(turned: Tensor, weights: Tensor) -> float:
    """Return Σᵢⱼ (Σ uᵢuⱼ)² / (2 (λᵢ + λⱼ)) over the (s, d) images of a patient, by what costs less."""
    xp = compat.array_namespace(turned)
    if len(turned) ** 2 < turned.shape[1]:
        products = xp.reshape(turned[:, None, :] * turned[None, :, :], (-1, turned.shape[1]))
        return float(xp.sum((products @ weights) ** 2, dtype=xp.float64))
    spread = turned.T @ turned
    return float(xp.sum((spread * spread @ weights) * weights, dtype=xp.float64))


@dataclass(frozen=True)
class _Paired:
    """Patients of a sample, evenly over all, with what pairs of them are made of."""

    starts: Index
    """(P + 1,) first image of each patient, and the number of images."""
    totals: Tensor
    """(P, d) sum of each patient's images about the mean of the sample."""
    turned: Tensor
    """(images, d) in the axes."""
    lengths: Array
    """(images,) squared lengths of those."""

    @classmethod
    def of(cls, side: Side, matrix: Tensor) -> _Paired:
        """Return about PAIRED images of the sample, and no fewer patients than FEWEST where it has them."""
        xp = compat.array_namespace(matrix)
        every = max(1, min(-(-len(side) // PAIRED), side.patients // FEWEST))
        kept = np.flatnonzero(side.codes % every == 0)
        rows = side.centred(kept)
        turned = rows @ xp.astype(matrix, rows.dtype)
        starts = np.append(np.flatnonzero(np.diff(side.codes[kept], prepend=-1)), len(kept))
        lengths = host(xp.sum(turned * turned, axis=1, dtype=xp.float64))
        return cls(starts, summed(rows, starts[:-1], 0), turned, np.asarray(lengths))


def _mean_square(x: _Paired, y: _Paired, weights: Tensor, trace: float, *, same: bool) -> float:
    """Return the mean square of k(P, Q), as in `influences`, over pairs of different patients."""
    xp, squares, count = compat.array_namespace(weights), 0.0, 0
    device = compat.device(weights)
    for p, q in _pairs(x.starts, y.starts, same=same):
        i, j, first = _images(p, q, x.starts, y.starts)
        u, v = (xp.take(z.turned, xp.asarray(k, device=device), axis=0) for z, k in ((x, i), (y, j)))
        alone = host(xp.sum(((u * v) @ weights) ** 2, axis=1, dtype=xp.float64)) + trace / 4
        a, b = (xp.take(z.totals, xp.asarray(k, device=device), axis=0) for z, k in ((x, p), (y, q)))
        kernel = np.add.reduceat(alone - (x.lengths[i] + y.lengths[j]) / 4, first) + host(xp.sum(a * b, axis=1))
        squares, count = squares + float(np.sum(kernel**2)), count + len(p)
    return squares / count


def _pairs(x_starts: Index, y_starts: Index, *, same: bool) -> Iterator[tuple[Index, Index]]:
    """Yield batches of pairs of patients, about PAIRS pairs of images in all and ROWS in a batch.

    Patient p is paired with p + step (modulo their number) for steps spread over all: the same pairs in every order
    of the rows.
    """
    here, there = len(x_starts) - 1, len(y_starts) - 1
    images = x_starts[-1] * y_starts[-1] / (here * there)
    wanted = max(FEWEST, int(PAIRS / images))
    rounds = min(max(1, round(wanted / here)), there - same)
    steps = np.unique(np.linspace(1, there - 1, rounds).astype(int)) if rounds > 1 else np.ones(1, dtype=int)
    p, batch = np.arange(here)[:: max(1, here // wanted)], max(1, int(ROWS / images))
    for step in steps:
        for start in range(0, len(p), batch):
            some = p[start : start + batch]
            yield some, (some + step) % there


def _images(p: Index, q: Index, x_starts: Index, y_starts: Index) -> tuple[Index, Index, Index]:
    """Return the rows of all pairs of images of pairs of patients, and where each pair of patients begins."""
    s, t = np.diff(x_starts)[p], np.diff(y_starts)[q]
    count = s * t
    first = np.cumsum(count) - count
    within, width = np.arange(count.sum()) - np.repeat(first, count), np.repeat(t, count)
    return np.repeat(x_starts[p], count) + within // width, np.repeat(y_starts[q], count) + within % width, first
