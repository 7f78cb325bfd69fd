"""Runs: how many neighbours in a row have the same grey level (GLRLM, IBSI 3.7)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from radassay.radiomics.intensity import Features
from radassay.radiomics.levels import DIRECTIONS, Levels
from radassay.radiomics.tallies import FORMS, Index, Tally


def runs(levels: Levels, n_levels: int, merged: bool = True) -> Features:
    """Return the run length features in four directions, (n,) each, named as in `tallies.FORMS`.

    Args:
        levels: (n, height, width); no region is empty.
        n_levels: levels that there may be.
        merged: one tally of all four directions (IBSI `slice-merged`), or features of each direction averaged.
    """
    n, height, width = levels.shape
    longest = max(height, width)
    pixels = (levels.reshape(n, -1) > 0).sum(axis=1).astype(np.float64)
    codes = [_codes(levels, direction, n_levels, longest) for direction in range(len(DIRECTIONS))]
    shape = (n, n_levels, longest)
    if merged:
        return Tally.of_codes(np.concatenate(codes), shape, dense=True).features(pixels * len(codes))
    each = [Tally.of_codes(code, shape, dense=True).features(pixels) for code in codes]
    return {form: np.mean([one[form] for one in each], axis=0) for form in FORMS}


@lru_cache(maxsize=32)
def _lines(height: int, width: int, direction: int) -> tuple[Index, NDArray[np.bool_]]:
    """Return the pixels line after line along a direction, and which of them begin a line."""
    row, column = np.indices((height, width)).reshape(2, -1)
    down, right = DIRECTIONS[direction]
    line = row * right - column * down
    order = np.lexsort((row if down else column, line))
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = np.diff(line[order]) != 0
    return order, begins


def _codes(levels: Levels, direction: int, n_levels: int, longest: int) -> Index:
    """Return one code for every run inside a region, as `Tally.of_codes` takes them."""
    n, height, width = levels.shape
    order, begins = _lines(height, width, direction)
    inline = np.take(levels.reshape(n, -1), order, axis=1)
    edge = np.empty(inline.shape, dtype=bool)
    edge[:, 0] = True
    np.not_equal(inline[:, 1:], inline[:, :-1], out=edge[:, 1:])
    edge |= begins
    start = np.flatnonzero(edge)
    length = np.diff(start, append=inline.size)
    level = inline.ravel()[start].astype(np.intp)
    code = ((start // inline.shape[1]) * n_levels + level - 1) * longest + length - 1
    return np.asarray(code if level.all() else code[level > 0])
