"""Statistics of grey values, and of their histogram in levels (IBSI 3.3 and 3.4)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.radiomics.levels import Levels, Mask

Array = NDArray[np.float64]
Features = dict[str, Array]
"""Values by name, (n,) each."""


def statistics(pixels: NDArray[np.floating[Any]], mask: Mask | None = None) -> Features:
    """Return the 18 intensity statistics of IBSI 3.3, (n,) each.

    Where all values are the same, skewness, excess kurtosis and quotients by zero are 0. Quantiles are interpolated
    linearly. `energy` grows with the number of pixels.

    Args:
        pixels: (n, height, width) grey values.
        mask: (n, height, width) the region, not empty; None is the whole image.
    """
    x = np.asarray(pixels, dtype=np.float64).reshape(len(pixels), -1)
    inside = np.ones_like(x) if mask is None else mask.reshape(len(x), -1).astype(np.float64)
    count = inside.sum(axis=1)
    # Sorted as the values come: four bytes sort in half the time of eight, and nothing is lost.
    flat = np.asarray(pixels).reshape(len(x), -1)
    ordered = np.sort(flat if mask is None else np.where(inside > 0, flat, np.inf), axis=1)

    def mean_of(values: Array) -> Array:
        return np.asarray((values * inside).sum(axis=1) / count)

    def quantile(share: float) -> Array:
        position = share * (count - 1)
        below = np.floor(position).astype(np.intp)
        above = np.minimum(below + 1, count.astype(np.intp) - 1)
        low, high = (np.take_along_axis(ordered, at[:, None], axis=1)[:, 0].astype(float) for at in (below, above))
        return np.asarray(low + (high - low) * (position - below))

    mean = mean_of(x)
    p10, p25, median, p75, p90 = (quantile(share) for share in (0.1, 0.25, 0.5, 0.75, 0.9))
    minimum, maximum = quantile(0.0), quantile(1.0)
    away = x - mean[:, None]
    squares = away * away
    varied = maximum > minimum
    variance = np.where(varied, mean_of(squares), 0.0)
    core = inside * ((x >= p10[:, None]) & (x <= p90[:, None]))
    in_core = core.sum(axis=1)
    core_mean = (x * core).sum(axis=1) / in_core
    energy = (x * x * inside).sum(axis=1)
    return {
        "mean": mean,
        "variance": variance,
        "skewness": _ratio(mean_of(squares * away), variance**1.5, varied),
        "excess kurtosis": _ratio(mean_of(squares * squares), variance**2, varied) - 3.0 * varied,
        "median": median,
        "minimum": minimum,
        "10th percentile": p10,
        "90th percentile": p90,
        "maximum": maximum,
        "interquartile range": p75 - p25,
        "range": maximum - minimum,
        "mean absolute deviation": np.where(varied, mean_of(np.abs(away)), 0.0),
        "robust mean absolute deviation": (np.abs(x - core_mean[:, None]) * core).sum(axis=1) / in_core,
        "median absolute deviation": mean_of(np.abs(x - median[:, None])),
        "coefficient of variation": _ratio(np.sqrt(variance), mean, mean != 0),
        "quartile coefficient of dispersion": _ratio(p75 - p25, p75 + p25, p75 + p25 != 0),
        "energy": energy,
        "root mean square": np.sqrt(energy / count),
    }


def histogram(levels: Levels, n_levels: int) -> Features:
    """Return entropy, uniformity and the steepest slopes of the histogram of levels (IBSI 3.4.18 to 3.4.23).

    The slopes are shares of the pixels and levels are counted from 1 to n_levels.
    """
    counts = level_counts(levels, n_levels)
    share = counts / counts.sum(axis=1, keepdims=True)
    slope = np.gradient(share, axis=1)
    return {
        "histogram entropy": entropy(share),
        "histogram uniformity": (share**2).sum(axis=1),
        "maximum histogram gradient": slope.max(axis=1),
        "minimum histogram gradient": slope.min(axis=1),
    }


def level_counts(levels: Levels, n_levels: int) -> Array:
    """Return how many pixels each level has, (n, n_levels)."""
    n = len(levels)
    code = levels.reshape(n, -1) + (np.arange(n) * (n_levels + 1))[:, None]
    counts = np.bincount(code.ravel(), minlength=n * (n_levels + 1)).reshape(n, n_levels + 1)
    return counts[:, 1:].astype(np.float64)


def entropy(shares: Array) -> Array:
    """Return -Σ p log₂ p over the last axis, (n, k) to (n,)."""
    return np.asarray(-(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(axis=-1)) + 0.0


def _ratio(top: Array, bottom: Array, where: NDArray[np.bool_]) -> Array:
    return np.divide(top, bottom, out=np.zeros_like(top), where=where)
