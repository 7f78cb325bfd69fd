"""The ordinary range of several measures together: limits that a known share of new real images oversteps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BEYOND = 0.01
"""Share of new real images that may lie outside."""
ABSENT = 8.0
"""Distance of a measure that cannot be taken, where it could in nearly all real images."""
SELDOM = 0.005
"""Share of real images from which on a missing measure means nothing."""


@dataclass(frozen=True)
class Ordinary:
    """Middle and spread of each measure, and how far from the middle one of them may lie."""

    middle: Array
    """(d,) medians."""
    below: Array
    """(d,) spread to the low side: 5th percentile to median, over 1.645; infinite where low values are no fault."""
    above: Array
    """(d,) the same to the high side."""
    absent: Array
    """(d,) distance given to a missing measure."""
    limit: float
    """Distance of the farthest measure beyond which an image is out of the ordinary."""
    expected: float
    """Share of new images of the same kind beyond the limit."""

    @classmethod
    def fit(cls, measures: Array, low_alone: NDArray[np.bool_]) -> Ordinary:
        """Return the range of real images.

        The limit is one of their own order statistics (conformal prediction, Vovk et al. 2005): of n images that are
        exchangeable with a new one, the k-th farthest is overstepped by the new one with probability k / (n + 1).
        Here k is as large as keeps that at or below `BEYOND`, and at least 1.

        Args:
            measures: (n, d), NaN where one could not be taken; n at least 20.
            low_alone: (d,) whether only low values are a fault.
        """
        missing = np.isnan(measures)
        known = np.where(missing.all(axis=0), 0.0, measures)
        low, middle, high = np.nanquantile(known, [0.05, 0.5, 0.95], axis=0)
        smallest = 1e-3 * np.maximum(np.abs(middle), 1e-3)
        below = np.maximum((middle - low) / 1.645, smallest)
        above = np.where(low_alone, np.inf, np.maximum((high - middle) / 1.645, smallest))
        absent = np.where(missing.mean(axis=0) <= SELDOM, ABSENT, 0.0)
        unlimited = cls(middle, below, above, absent, np.inf, 0.0)
        k = max(1, int(BEYOND * (len(measures) + 1)))
        farthest = np.sort(np.abs(unlimited.distances(measures)).max(axis=1))
        return cls(middle, below, above, absent, float(farthest[-k]), k / (len(measures) + 1))

    def distances(self, measures: Array) -> Array:
        """Return how far each measure lies from its middle in spreads, (n, d): below 0 to the low side."""
        away = measures - self.middle
        return np.where(np.isnan(away), -self.absent, np.where(away < 0, away / self.below, away / self.above))

    def outside(self, measures: Array) -> NDArray[np.bool_]:
        """Return which images are out of the ordinary, (n,)."""
        return np.asarray(np.abs(self.distances(measures)).max(axis=1) > self.limit)
