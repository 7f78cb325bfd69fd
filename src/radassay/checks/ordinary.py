"""The ordinary range of several measures together: limits that a known share of new real images oversteps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BEYOND = 0.01
"""Share of new real images that may lie outside."""
NEAR, FAR = 1.645, 2.326
"""Where 5 and 1 in 100 normal values lie beyond."""
ABSENT = 8.0
"""Distance of a measure that cannot be taken, where it could in nearly all real images."""
SELDOM = BEYOND / 4
"""Largest share of real images without a measure at which its absence means something."""


@dataclass(frozen=True)
class Ordinary:
    """Middle and tails of each measure, and how far from the middle one of them may lie.

    Distances are those of a normal measure: 1.645 at the 5th and 95th percentile of the real images, 2.326 at the 1st
    and 99th. Between and beyond the latter two they follow a power law through both, so that a measure with long tails
    does not set the limit for all others.
    """

    middle: Array
    """(d,) medians."""
    near: Array
    """(2, d) from the median down to the 5th, and up to the 95th percentile."""
    steep: Array
    """(2, d) logarithm of how much farther the 1st and the 99th lie."""
    low_alone: NDArray[np.bool_]
    """(d,) whether only low values are a fault."""
    absent: Array
    """(d,) distance given to a missing measure."""
    limit: float
    """Distance of the farthest measure beyond which an image is out of the ordinary."""
    expected: float
    """Share of new images of the same kind beyond the limit."""

    @classmethod
    def fit(cls, measures: Array, low_alone: NDArray[np.bool_], fold: NDArray[np.intp]) -> Ordinary:
        """Return the range of real images.

        The limit is an order statistic of the images' own farthest distances (conformal prediction, Vovk et al. 2005),
        each by the middle and tails of the other folds' images, as a new image's would be (cross-conformal, Barber et
        al. 2021): of n images the k-th farthest is overstepped by a new one with a probability of about k / (n + 1).
        Here k is as large as keeps that at or below `BEYOND`, and at least 1.

        Args:
            measures: (n, d), NaN where one could not be taken; n at least 20.
            low_alone: (d,) whether only low values are a fault.
            fold: (n,) part of each image, whole patients, at least two parts.
        """
        absent = np.where(np.isnan(measures).mean(axis=0) <= SELDOM, ABSENT, 0.0)
        farthest = np.empty(len(measures))
        for part in np.unique(fold):
            others = cls._tails(measures[fold != part], low_alone, absent)
            farthest[fold == part] = np.abs(others.distances(measures[fold == part])).max(axis=1)
        k = max(1, int(BEYOND * (len(measures) + 1)))
        limit, expected = float(np.sort(farthest)[-k]), k / (len(measures) + 1)
        return replace(cls._tails(measures, low_alone, absent), limit=limit, expected=expected)

    @classmethod
    def _tails(cls, measures: Array, low_alone: NDArray[np.bool_], absent: Array) -> Ordinary:
        """Return middle and tails, without a limit."""
        lowest, low, middle, high, highest = _quantiles(measures, (0.01, 0.05, 0.5, 0.95, 0.99))
        smallest = 1e-3 * np.maximum(np.abs(middle), 1e-3)
        near = np.maximum([middle - low, high - middle], smallest)
        # no tail is taken to be shorter than that of a normal measure: a few images cannot show it
        far = np.maximum([middle - lowest, highest - middle], FAR / NEAR * near)
        return cls(middle, near, np.log(far / near), low_alone, absent, np.inf, 0.0)

    def distances(self, measures: Array) -> Array:
        """Return how far each measure lies from its middle, (n, d): below 0 to the low side."""
        away = measures - self.middle
        up = away > 0
        ratio = np.abs(away) / np.where(up, self.near[1], self.near[0])
        beyond = NEAR + (FAR - NEAR) * np.log(np.maximum(ratio, 1.0)) / np.where(up, self.steep[1], self.steep[0])
        distance = np.where(ratio <= 1.0, NEAR * ratio, beyond) * np.where(up, ~self.low_alone, -1.0)
        return np.where(np.isnan(away), -self.absent, distance)

    def outside(self, measures: Array) -> NDArray[np.bool_]:
        """Return which images are out of the ordinary, (n,)."""
        return np.asarray(np.abs(self.distances(measures)).max(axis=1) > self.limit)

    @property
    def ends(self) -> Array:
        """Return the lowest and highest ordinary value of each measure, (2, d); infinite where there is none."""
        if self.limit <= NEAR:
            reach = self.near * self.limit / NEAR
        else:
            reach = self.near * np.exp(self.steep * (self.limit - NEAR) / (FAR - NEAR))
        return np.stack([self.middle - reach[0], np.where(self.low_alone, np.inf, self.middle + reach[1])])


def _quantiles(measures: Array, levels: tuple[float, ...]) -> Array:
    """Return quantiles of the columns, (levels, d), NaN left out; 0 where nothing is left."""
    ordered = np.sort(measures, axis=0)  # NaN last
    known = (~np.isnan(measures)).sum(axis=0)
    place = np.multiply.outer(np.asarray(levels), np.maximum(known - 1, 0))
    under = place.astype(np.intp)
    over = np.minimum(under + 1, np.maximum(known - 1, 0))
    left, right = (np.take_along_axis(ordered, index, axis=0) for index in (under, over))
    return np.where(known > 0, left + (place - under) * (right - left), 0.0)
