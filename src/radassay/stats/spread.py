"""Mean distance between the images of one sample, with its values when groups of patients are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radassay.stats.manifold import squared_distances
from radassay.stats.resample import codes

Array = NDArray[np.float64]

BLOCK = 512
"""Rows of distances held at once."""


@dataclass(frozen=True)
class Spread:
    """A mean of distances between pairs, with and without each group."""

    value: float
    without: Array
    """(G,) values without each group of patients."""


def mean_pairwise_distance(x: Array, units: NDArray[np.str_], groups: NDArray[np.intp]) -> Spread:
    """Return the mean distance |x - y| over pairs of images of different patients: an unbiased U-statistic.

    Args:
        x: (n, d) features.
        units: (n,) patient of each row.
        groups: (n,) group of patients of each row, from 0, from `resample.deal_groups`.

    Raises:
        ValueError: fewer than three patients, or what is left of them without a group is fewer than two.
    """
    unit, count = codes(units), int(groups.max()) + 1
    rows = np.asarray(x, dtype=float) - np.asarray(x, dtype=float).mean(axis=0)
    of_group = np.eye(count)[groups]
    sums, pairs = np.zeros((count, count)), np.zeros((count, count))
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        other = unit[part, None] != unit[None, :]
        distance = np.sqrt(squared_distances(rows[part], rows)) * other
        sums += of_group[part].T @ distance @ of_group
        pairs += of_group[part].T @ other @ of_group
    left = pairs.sum() - 2 * pairs.sum(axis=1) + np.diag(pairs)
    if count < 3 or left.min() <= 0:
        raise ValueError("a mean distance without a group needs two patients that are left")
    without = (sums.sum() - 2 * sums.sum(axis=1) + np.diag(sums)) / left
    return Spread(float(sums.sum() / pairs.sum()), without)
