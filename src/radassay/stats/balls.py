"""Precision, recall, density, coverage and authenticity: who lies in whose neighbourhood, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import array_api_compat as compat
import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from scipy.linalg import hadamard

from radassay.stats.backend import Tensor, host
from radassay.stats.gram import Rows, Two, walk
from radassay.stats.resample import Interval, deal_groups

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Flags = NDArray[np.bool_]

TIE = 1e-9
"""Relative slack of a squared radius, so that distances that are equal but for rounding count as equal."""
MOST_GROUPS = 32
"""Groups that patients are dealt into for the half-splits; one split less than this is made."""
MOST_KEPT = 128
"""Neighbours kept of each image at most; several images of a patient need more of them."""
FIRST = 256
"""Columns of the first block that are looked at before the others: what they hold sets a limit to those."""
GATHERED = 2**22
"""Numbers gathered at once where a distance is computed anew in double precision."""


@dataclass(frozen=True)
class Measure:
    """A share or mean with its values in halves of the patients."""

    value: float
    halves: Array
    """(S, 2) values in both halves of each split; no rows where no patients were given."""
    patients: int
    """Patients over whose images the mean goes."""
    share: bool = True
    """Whether it lies between 0 and 1."""

    @property
    def variance(self) -> float:
        """Return the variance of the value: a fourth of the mean square difference of two halves.

        Halves of the patients of both samples share nobody, so their difference has twice the variance of a half, and
        a half has twice that of the whole. Leaving out single groups errs far on the wide side here: a neighbourhood
        is a matter of few images, and what they do together is not the sum of what each does (Shao & Wu 1989).
        """
        return float(np.mean((self.halves[:, 0] - self.halves[:, 1]) ** 2)) / 4 if len(self.halves) else 0.0

    def interval(self, level: float = 0.95) -> Interval | None:
        """Return the interval for samples of this size, or None where the halves are not known.

        That of a share is symmetric in its logit, as of so many independent images as have its variance (Brown, Cai &
        DasGupta, Stat Sci 2001;16:101, section 4.2), and Wilson's where all or none are hit; that of a mean is
        symmetric in its logarithm: the variance of both depends on the value. A mean of zero has the limits of a share:
        of images that lie in balls as real ones do, which count 1 each. Splits of few patients are no independent
        ones: the effective number of images scattered by 0.28 to 0.40 of itself between simulated samples, which is
        12 to 25 degrees of freedom for 31 splits, so half as many as splits are counted.
        """
        if not len(self.halves):
            return None
        freedom = max(len(self.halves) // 2, 1)
        mean = float(self.halves.mean())
        t = float(stats.t.ppf(0.5 + level / 2, freedom))
        method = f"{len(self.halves)} splits of the patients into halves, t with {freedom} df; for samples of this size"
        if not self.share and self.value > 0:
            factor = float(np.exp(t * self.variance**0.5 / self.value))
            return Interval(self.value / factor, self.value * factor, method)
        images = mean * (1 - mean) / self.variance if self.variance > 0 else float(self.patients)
        if 0 < self.value < 1:
            middle, reach = float(special.logit(self.value)), t / (images * self.value * (1 - self.value)) ** 0.5
            return Interval(float(special.expit(middle - reach)), float(special.expit(middle + reach)), method)
        middle = (self.value + t**2 / (2 * images)) / (1 + t**2 / images)
        reach = t * (self.value * (1 - self.value) / images + (t / (2 * images)) ** 2) ** 0.5 / (1 + t**2 / images)
        low, high = min(max(middle - reach, 0.0), self.value), max(min(middle + reach, 1.0), self.value)
        return Interval(low, high, method)


def prdc(
    real: Tensor,
    fake: Tensor,
    k: int = 5,
    real_units: NDArray[Any] | None = None,
    fake_units: NDArray[Any] | None = None,
) -> dict[str, Measure]:
    """Return precision and recall (Kynkäänniemi 2019, eq. 1-2), density and coverage (Naeem 2020, eq. 3-4).

    A ball about each image reaches to its k-th nearest neighbour in its own sample. Precision: generated images in
    some real ball. Recall: real images in some generated ball. Density: real balls about a generated image, over k.
    Coverage: real balls that hold a generated image. Beside them stands `authenticity` (Alaa 2022, section 3.3):
    generated images farther from the nearest real one than that is from the next.

    Args:
        real: (n, d) features, a NumPy array or a torch tensor; products are made in its precision, and distances that
            lie within rounding of a radius are computed anew in double precision.
        fake: (m, d) features.
        k: neighbours that set the radius.
        real_units: (n,) patient of each row; without them there are values alone, no halves.
        fake_units: (m,) patient of each generated image, mostly itself.

    Raises:
        ValueError: a sample has no more than k rows.
    """
    two = Two.of(real, fake, real_units, fake_units)
    balls = Balls(two, k, splits=splits(real_units, fake_units))
    walk(two, [balls])
    return balls.measures()


def splits(real_units: NDArray[Any] | None, fake_units: NDArray[Any] | None) -> tuple[Flags, Flags] | None:
    """Return which half each row is in, (S, n) and (S, m), or None where there are fewer than eight patients.

    The rows of a Hadamard matrix: each split has equally many groups of patients on both sides, and together the
    splits part any two groups equally often (McCarthy 1969).
    """
    if real_units is None or fake_units is None:
        return None
    fewest = min(len(np.unique(real_units)), len(np.unique(fake_units)), MOST_GROUPS)
    groups = 2 ** int(np.log2(fewest))
    if groups < 8:
        return None
    table = hadamard(groups)[1:] > 0
    return table[:, deal_groups(real_units, groups)], table[:, deal_groups(fake_units, groups)]


class Balls:
    """Reads tiles into neighbourhoods. Rows are those of `Two`, in its order; row 0 of all counts is the whole."""

    def __init__(self, two: Two, k: int = 5, splits: tuple[Flags, Flags] | None = None) -> None:
        sides = (two.x, two.y)
        if min(map(len, sides)) <= k:
            raise ValueError(f"{min(map(len, sides))} rows are too few for {k} neighbours")
        self._two, self._k = two, k
        halves = [np.empty((0, len(rows)), dtype=bool) for rows in sides] if splits is None else list(splits)
        self._half = [half[:, rows.order] for half, rows in zip(halves, sides, strict=True)]
        kept = [_kept(k, rows) if splits is not None else k for rows in sides]
        self._near = [_Nearest(len(rows), min(many, len(rows) - 1)) for rows, many in zip(sides, kept, strict=True)]
        self._nearest_real = _Nearest(len(two.y), min(kept[0] if splits is not None else 1, len(two.x)))
        self._radii: list[Array] = []
        n, m = map(len, sides)
        versions = 1 + len(self._half[0])
        self._real_balls_about = np.zeros((versions, m))
        self._fakes_in_ball = np.zeros((versions, n))
        self._fake_balls_about = np.zeros((versions, n))

    def within(self, side: int, rows: Rows, a: slice, b: slice, gram: Tensor) -> None:
        """Keep the nearest neighbours within a sample."""
        squared = _squared(rows, rows, a, b, gram)
        xp = compat.array_namespace(squared)
        if a == b:
            own = xp.arange(squared.shape[0], device=compat.device(squared))
            squared[own, own] = xp.inf
        else:
            self._near[side].add(b, squared, a.start, axis=1)
        self._near[side].add(a, squared, b.start)

    def between(self) -> None:
        """Set the radii."""
        for rows, near, half in zip((self._two.x, self._two.y), self._near, self._half, strict=True):
            near.sort()
            exact = _distances(rows, np.arange(len(rows)), rows, near.row[:, self._k - 1])
            radii = [exact, *(near.in_half(side, self._k) for side in half)]
            self._radii.append(np.stack(radii) * (1.0 + TIE))

    def across(self, two: Two, a: slice, b: slice, gram: Tensor) -> None:
        """Find the pairs that lie in a ball."""
        squared = _squared(two.x, two.y, a, b, gram)
        self._nearest_real.add(b, squared, a.start, axis=1)
        real_reach, fake_reach = (radii.max(axis=0)[part] for radii, part in zip(self._radii, (a, b), strict=True))
        xp = compat.array_namespace(squared)
        slack = 1.0 + 1e3 * float(xp.finfo(squared.dtype).eps)
        for ball, reach in ((0, real_reach[:, None]), (1, fake_reach[None, :])):
            limit = xp.asarray(reach * slack, dtype=squared.dtype, device=compat.device(squared))
            i, j = _where(squared <= limit)
            self._count(ball, host(i) + a.start, host(j) + b.start, host(squared[i, j]).astype(float), squared.dtype)

    def measures(self) -> dict[str, Measure]:
        """Return the measures."""
        (real, fake), (x, y) = self._half, (self._two.x, self._two.y)
        return {
            "precision": _mean(self._real_balls_about > 0, fake, y),
            "recall": _mean(self._fake_balls_about > 0, real, x),
            "density": _mean(self._real_balls_about / self._k, fake, y, share=False),
            "coverage": _mean(self._fakes_in_ball > 0, real, x),
            "authenticity": _mean(self._authentic(), fake, y),
        }

    def _count(self, ball: int, i: Index, j: Index, squared: Array, dtype: Any) -> None:
        """Count the pairs (real i, generated j) in the balls of one sample, in all and in each half."""
        centre, point = (i, j) if ball == 0 else (j, i)
        radii = self._radii[ball]
        self._sharpen(squared, i, j, radii[0, centre], dtype)
        inside = squared <= radii[0, centre]
        about = self._real_balls_about if ball == 0 else self._fake_balls_about
        for version in range(len(radii)):
            if version:
                same = self._half[ball][version - 1, centre] == self._half[1 - ball][version - 1, point]
                inside = same & (squared <= radii[version, centre])
            about[version] += np.bincount(point[inside], minlength=about.shape[1])
            if ball == 0:
                self._fakes_in_ball[version] += np.bincount(centre[inside], minlength=len(self._two.x))

    def _sharpen(self, squared: Array, i: Index, j: Index, radius: Array, dtype: Any) -> None:
        """Compute anew, in place, the distances that rounding could carry over the radius."""
        x, y = self._two.x, self._two.y
        rounding = 8 * float(np.finfo(str(dtype).rsplit(".")[-1]).eps)
        doubt = rounding * (host(x.squares).astype(float)[i] + host(y.squares).astype(float)[j])
        near = np.flatnonzero(np.abs(squared - radius) <= doubt)
        squared[near] = _distances(x, i[near], y, j[near])

    def _authentic(self) -> Flags:
        """Return for each generated image whether it lies farther from the nearest real one than that from the next."""
        near, own = self._nearest_real, self._near[0]
        near.sort()
        first, index = near.distance[:, 0], near.row[:, 0]
        found = [own.distance[index, 0] < first]
        for real, fake in zip(*self._half, strict=True):
            allowed = real[near.row] == fake[:, None]
            place = np.argmax(allowed, axis=1)
            rows = np.arange(len(place))
            found.append(own.in_half(real, 1)[near.row[rows, place]] < near.distance[rows, place])
        return np.stack(found)


def _kept(k: int, rows: Rows) -> int:
    """Return how many neighbours to keep so that nearly always k of them are in one's own half of the patients."""
    return min(MOST_KEPT, round((4 * k + 4) * len(rows) / (int(rows.codes[-1]) + 1)))


class _Nearest:
    """The nearest of all rows seen so far, for each row."""

    def __init__(self, n: int, k: int) -> None:
        self.distance = np.full((n, k), np.inf)
        self.row = np.zeros((n, k), dtype=np.intp)

    def add(self, rows: slice, squared: Tensor, offset: int, axis: int = 0) -> None:
        """See a block of squared distances whose columns are counted from an offset.

        Args:
            rows: the rows that the block is about.
            squared: (rows, columns), or with axis 1 (columns, rows).
            offset: the number of the first column.
            axis: along which of its axes the rows lie.
        """
        start, width = 0, squared.shape[1 - axis]
        if np.isinf(self.distance[rows, -1]).any() and width > FIRST:
            self._merge(rows, squared[:, :FIRST] if axis == 0 else squared[:FIRST], offset, axis)
            start = FIRST
        self._merge(rows, squared[:, start:] if axis == 0 else squared[start:], offset + start, axis)

    def _merge(self, rows: slice, squared: Tensor, offset: int, axis: int) -> None:
        """Put what is as near as the farthest that is kept into its place: soon hardly anything is."""
        xp, k = compat.array_namespace(squared), self.distance.shape[1]
        limit = xp.asarray(self.distance[rows, -1], dtype=squared.dtype, device=compat.device(squared))
        i, j = _where(squared <= (limit[None, :] if axis else limit[:, None]))
        values = host(squared[i, j]).astype(float)
        row, column = (host(index) for index in ((j, i) if axis else (i, j)))
        if axis:
            order = np.argsort(row, kind="stable")
            row, column, values = row[order], column[order], values[order]
        count = np.bincount(row, minlength=len(limit))
        some, line = np.flatnonzero(count), np.cumsum(count > 0) - 1
        place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        mine = rows.start + some
        distance = np.full((len(some), k + int(count.max())), np.inf)
        index = np.zeros(distance.shape, dtype=np.intp)
        distance[:, :k], index[:, :k] = self.distance[mine], self.row[mine]
        distance[line[row], k + place], index[line[row], k + place] = values, column + offset
        kept = np.argpartition(distance, k - 1, axis=1)[:, :k]
        self.distance[mine] = np.take_along_axis(distance, kept, axis=1)
        self.row[mine] = np.take_along_axis(index, kept, axis=1)

    def sort(self) -> None:
        """Put the nearest first."""
        order = np.argsort(self.distance, axis=1, kind="stable")
        self.distance = np.take_along_axis(self.distance, order, axis=1)
        self.row = np.take_along_axis(self.row, order, axis=1)

    def in_half(self, half: Flags, k: int) -> Array:
        """Return the distance to the k-th nearest row of one's own half, (n,); to the last kept where fewer are."""
        own = np.cumsum(half[self.row] == half[:, None], axis=1)
        place = np.where(own[:, -1] >= k, np.argmax(own == k, axis=1), own.shape[1] - 1)
        return np.asarray(self.distance[np.arange(len(place)), place])


def _where(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows and columns that are true; NumPy's own search of a matrix takes ten times as long as of a line."""
    xp = compat.array_namespace(mask)
    place = xp.nonzero(xp.reshape(mask, (-1,)))[0]
    return place // mask.shape[1], place % mask.shape[1]


def _squared(x: Rows, y: Rows, a: slice, b: slice, gram: Tensor) -> Tensor:
    """Return the squared distances of a tile, never below zero."""
    xp = compat.array_namespace(gram)
    squared = -2.0 * gram
    squared += x.squares[a][:, None]
    squared += y.squares[b][None, :]
    return xp.clip(squared, 0.0, None)


def _distances(x: Rows, i: Index, y: Rows, j: Index) -> Array:
    """Return the squared distances of some pairs of rows in double precision."""
    xp = compat.array_namespace(x.values)
    device, out = compat.device(x.values), np.empty(len(i))
    step = max(1, GATHERED // x.values.shape[1])
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        left, right = (
            xp.astype(xp.take(rows.values, xp.asarray(index[part], device=device), axis=0), xp.float64)
            for rows, index in ((x, i), (y, j))
        )
        left -= right
        out[part] = host(xp.sum(left * left, axis=1))
    return out


def _mean(table: NDArray[Any], half: Flags, rows: Rows, *, share: bool = True) -> Measure:
    """Return the mean of the first row, and of each further row in both halves."""
    halves = [[float(row[side].mean()), float(row[~side].mean())] for row, side in zip(table[1:], half, strict=True)]
    return Measure(float(table[0].mean()), np.array(halves).reshape(-1, 2), int(rows.codes[-1]) + 1, share)
