"""Grey level co-occurrence: how often two levels lie side by side (GLCM, IBSI 3.6)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from radassay.radiomics.intensity import Array, Features, entropy
from radassay.radiomics.levels import Levels, neighbours


def cooccurrence(levels: Levels, n_levels: int, merged: bool = True) -> Features:
    """Return 22 features of the symmetric co-occurrence matrix at distance 1, (n,) each.

    Dissimilarity, sum average and cluster tendency's twin, sum variance, are left out: they equal difference average,
    twice the joint average and cluster tendency. Of one level alone, correlation is 1 and both information
    correlations are 0.

    Args:
        levels: (n, height, width); at least two neighbours lie inside each region.
        n_levels: levels that there may be.
        merged: one matrix of all four directions (IBSI `slice-merged`), or features of each direction averaged.
    """
    counts = _counts(levels, n_levels, merged)
    totals = counts.sum(axis=(2, 3))
    p = counts / np.maximum(totals, 1.0)[..., None, None]
    n, directions = totals.shape
    found = _features(p.reshape(n * directions, n_levels, n_levels))
    weight = (totals > 0) / (totals > 0).sum(axis=1, keepdims=True)
    return {name: (values.reshape(n, directions) * weight).sum(axis=1) for name, values in found.items()}


def _counts(levels: Levels, n_levels: int, merged: bool) -> Array:
    """Return symmetric counts, (n, 1 or 4, n_levels, n_levels)."""
    n, height, width = levels.shape
    side = n_levels + 1
    wide = levels.astype(np.int32)
    first = wide * side + (np.arange(n, dtype=np.int32) * side * side)[:, None, None]
    parts = []
    for here, there in neighbours(height, width):
        code = (first[here] + wide[there]).ravel()
        parts.append(np.bincount(code, minlength=n * side * side).reshape(n, side, side)[:, 1:, 1:])
    counts = np.stack([np.sum(parts, axis=0)] if merged else parts, axis=1)
    return np.asarray(counts + counts.swapaxes(2, 3), dtype=np.float64)


@lru_cache(maxsize=4)
def _diagonals(n_levels: int) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """Return, for |i-j| and for i+j, the cells in the order of that number and where each number begins."""
    i, j = np.indices((n_levels, n_levels)).reshape(2, -1)
    found = []
    for number in (np.abs(i - j), i + j):
        order = np.argsort(number, kind="stable")
        found.append((order, np.searchsorted(number[order], np.arange(int(number.max()) + 1))))
    return tuple(found)


def _features(p: Array) -> Features:
    """Return the features of (m, k, k) symmetric probabilities."""
    m, k, _ = p.shape
    cells = p.reshape(m, -1)
    (by_difference, starts), (by_sum, sum_starts) = _diagonals(k)
    difference = np.add.reduceat(cells[:, by_difference], starts, axis=1)
    total = np.add.reduceat(cells[:, by_sum], sum_starts, axis=1)
    d, s, i = np.arange(k), np.arange(2, 2 * k + 1), np.arange(1, k + 1)
    margin = p.sum(axis=2)
    mean = (margin * i).sum(axis=1)
    variance = (margin * (i - mean[:, None]) ** 2).sum(axis=1)
    contrast = (difference * d**2).sum(axis=1)
    apart = (difference * d).sum(axis=1)
    product = ((total * s**2).sum(axis=1) - contrast) / 4.0
    around = s - 2.0 * mean[:, None]
    joint, single = entropy(cells), entropy(margin)
    varied = single > 0
    correlation = np.divide(product - mean**2, variance, out=np.ones(m), where=varied)
    shared = np.clip(2.0 * single - joint, 0.0, None)
    return {
        "joint maximum": cells.max(axis=1),
        "joint average": mean,
        "joint variance": variance,
        "joint entropy": joint,
        "difference average": apart,
        "difference variance": (difference * (d - apart[:, None]) ** 2).sum(axis=1),
        "difference entropy": entropy(difference),
        "sum entropy": entropy(total),
        "angular second moment": (cells * cells).sum(axis=1),
        "contrast": contrast,
        "inverse difference": (difference / (1.0 + d)).sum(axis=1),
        "normalised inverse difference": (difference / (1.0 + d / k)).sum(axis=1),
        "inverse difference moment": (difference / (1.0 + d**2)).sum(axis=1),
        "normalised inverse difference moment": (difference / (1.0 + (d / k) ** 2)).sum(axis=1),
        "inverse variance": (difference[:, 1:] / d[1:] ** 2).sum(axis=1),
        "correlation": correlation,
        "autocorrelation": product,
        "cluster tendency": (total * around**2).sum(axis=1),
        "cluster shade": (total * around**3).sum(axis=1),
        "cluster prominence": (total * around**4).sum(axis=1),
        # Both products of margins in IBSI 3.6.24 and 3.6.25 have twice the entropy of one margin.
        "information correlation 1": -np.divide(shared, single, out=np.zeros(m), where=varied),
        "information correlation 2": np.sqrt(1.0 - np.exp(-2.0 * shared)),
    }
