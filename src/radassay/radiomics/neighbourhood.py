"""A pixel and its eight neighbours: grey tone difference (NGTDM, IBSI 3.10) and dependence (NGLDM, IBSI 3.11)."""

from __future__ import annotations

import numpy as np

from radassay.radiomics.intensity import Array, Features
from radassay.radiomics.levels import Levels
from radassay.radiomics.levels import neighbours as pairs
from radassay.radiomics.tallies import Tally

COARSEST = 1e6
"""Coarseness where no pixel differs from its neighbours; it has no value there (as in pyradiomics)."""


def tone_differences(levels: Levels, n_levels: int) -> Features:
    """Return coarseness, contrast, busyness, complexity and strength at distance 1, (n,) each.

    Where no pixel differs from its neighbours, coarseness is `COARSEST` and the others are 0.

    Args:
        levels: (n, height, width); each region has a pixel with a neighbour.
        n_levels: levels that there may be.
    """
    n = len(levels)
    around, neighbours = _around(levels)
    counted = (levels > 0) & (neighbours > 0)
    apart = np.abs(levels - around / np.maximum(neighbours, 1))
    image, level = np.nonzero(counted)[0], levels[counted].astype(np.intp)
    key = image * n_levels + level - 1
    count = np.bincount(key, minlength=n * n_levels).reshape(n, n_levels).astype(np.float64)
    s = np.bincount(key, apart[counted], minlength=n * n_levels).reshape(n, n_levels)
    return _tone_features(count, np.asarray(s, dtype=np.float64))


def _tone_features(count: Array, s: Array) -> Features:
    """Return the features of (n, levels) pixels and summed differences."""
    n, n_levels = count.shape
    total, i = count.sum(axis=1), np.arange(1.0, n_levels + 1)
    p, there = count / total[:, None], count > 0
    present = there.sum(axis=1)
    ps, ip, summed = p * s, p * i, s.sum(axis=1)
    weighted = ps.sum(axis=1)
    both = there[:, :, None] & there[:, None, :]
    gap = np.abs(i[:, None] - i[None, :])
    uneven = (np.abs(ip[:, :, None] - ip[:, None, :]) * both).sum(axis=(1, 2))
    pair = p[:, :, None] + p[:, None, :]
    complexity = gap * (ps[:, :, None] + ps[:, None, :]) / np.where(both, pair, 1.0) * both
    strength = (pair * gap**2 * both).sum(axis=(1, 2))
    spread = 2.0 * ((p * i**2).sum(axis=1) - ip.sum(axis=1) ** 2)
    return {
        "coarseness": np.minimum(_ratio(np.ones(n), weighted, COARSEST), COARSEST),
        "contrast": _ratio(np.clip(spread, 0.0, None), present * (present - 1.0), 0.0) * summed / total,
        "busyness": _ratio(weighted, uneven, 0.0),
        "complexity": complexity.sum(axis=(1, 2)) / total,
        "strength": _ratio(strength, summed, 0.0),
    }


def dependences(levels: Levels, n_levels: int) -> Features:
    """Return the dependence features, (n,) each, named as in `tallies.FORMS`; a size is 1 + the like neighbours.

    Neighbours are those at distance 1, alike those of the same level (coarseness 0).

    Args:
        levels: (n, height, width); no region is empty.
        n_levels: levels that there may be.
    """
    n = len(levels)
    alike = np.zeros(levels.shape, dtype=np.uint8)
    for here, there in pairs(*levels.shape[1:]):
        same = levels[here] == levels[there]
        alike[here] += same
        alike[there] += same
    inside = levels > 0
    code = (np.arange(n)[:, None, None] * n_levels + levels.astype(np.intp) - 1) * 9 + alike
    pixels = inside.reshape(n, -1).sum(axis=1).astype(np.float64)
    kept = code.ravel() if inside.all() else code[inside]
    return Tally.of_codes(kept, (n, n_levels, 9), dense=True).features(pixels)


def _around(levels: Levels) -> tuple[Array, Array]:
    """Return the sum of the neighbours inside the region and their number, for each pixel."""
    total, number = np.zeros(levels.shape, dtype=np.float64), np.zeros(levels.shape, dtype=np.float64)
    grey, inside = levels.astype(np.float64), (levels > 0).astype(np.float64)
    for here, there in pairs(*levels.shape[1:]):
        for one, other in ((here, there), (there, here)):
            total[one] += grey[other]
            number[one] += inside[other]
    return total, number


def _ratio(top: Array, bottom: Array, otherwise: float) -> Array:
    return np.divide(top, bottom, out=np.full_like(top, otherwise), where=bottom > 1e-12)
