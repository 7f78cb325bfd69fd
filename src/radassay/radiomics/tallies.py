"""What runs, zones and dependences share: a tally of things by grey level and size (IBSI 3.7, 3.8, 3.11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radassay.radiomics.intensity import Array, Features

Index = NDArray[np.intp]
FORMS = (
    "small",
    "large",
    "low",
    "high",
    "small low",
    "small high",
    "large low",
    "large high",
    "level non-uniformity",
    "normalised level non-uniformity",
    "size non-uniformity",
    "normalised size non-uniformity",
    "percentage",
    "level variance",
    "size variance",
    "entropy",
    "energy",
)
"""The features of a tally, named for what they weigh: the size of the things, or their grey level."""


@dataclass(frozen=True)
class Tally:
    """How many things of each grey level and size each image has; only what occurs is listed, images in order."""

    image: Index
    """(k,)"""
    level: Index
    """(k,) from 1."""
    size: Index
    """(k,) from 1."""
    count: Array
    """(k,)"""
    shape: tuple[int, int, int]
    """Images, and the largest level and size that there may be."""

    @classmethod
    def of_codes(cls, codes: Index, shape: tuple[int, int, int], dense: bool) -> Tally:
        """Return the tally of things coded as (image · levels + level - 1) · sizes + size - 1.

        Args:
            codes: one a thing.
            shape: images, levels, sizes.
            dense: count in a table of all codes, which is quicker than sorting where sizes are few.
        """
        if dense:
            table = np.bincount(codes, minlength=shape[0] * shape[1] * shape[2])
            kept = np.flatnonzero(table)
            count = table[kept]
        else:
            kept, count = np.unique(codes, return_counts=True)
        rest, size = np.divmod(kept, shape[2])
        image, level = np.divmod(rest, shape[1])
        return cls(image, level + 1, size + 1, count.astype(np.float64), shape)

    def features(self, pixels: Array) -> Features:
        """Return the features of `FORMS`, (n,) each.

        Args:
            pixels: (n,) pixels that the things were found in, for the percentage.
        """
        n, levels, sizes = self.shape
        i, j = self.level.astype(np.float64), self.size.astype(np.float64)
        total = np.asarray(np.bincount(self.image, self.count, minlength=n), dtype=np.float64)
        share = self.count / total[self.image]

        def mean(weights: Array) -> Array:
            return np.asarray(np.bincount(self.image, share * weights, minlength=n), dtype=np.float64)

        def squares(key: Index, most: int) -> Array:
            sums = np.bincount(self.image * most + key - 1, self.count, minlength=n * most)
            return np.asarray((sums.reshape(n, most) ** 2).sum(axis=1))

        i2, j2 = i * i, j * j
        dark, small = 1.0 / i2, 1.0 / j2
        by_level, by_size = squares(self.level, levels), squares(self.size, sizes)
        values = (
            mean(small),
            mean(j2),
            mean(dark),
            mean(i2),
            mean(dark * small),
            mean(i2 * small),
            mean(dark * j2),
            mean(i2 * j2),
            by_level / total,
            by_level / total**2,
            by_size / total,
            by_size / total**2,
            total / pixels,
            mean((i - mean(i)[self.image]) ** 2),
            mean((j - mean(j)[self.image]) ** 2),
            mean(-np.log2(share)) + 0.0,
            mean(share),
        )
        return dict(zip(FORMS, values, strict=True))
