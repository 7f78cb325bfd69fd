"""Squared distances and nearest neighbours of rows, exact and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]

Real = TypeVar("Real", np.float32, np.float64)

BLOCK_CELLS = 2**22
"""Distances held at once (32 MiB of float64)."""


def squared_distances(x: NDArray[Real], y: NDArray[Real]) -> NDArray[Real]:
    """Return |x-y|² of (n, d) and (m, d) rows, (n, m), by one matrix product; never below zero.

    Centre the rows first: the product form loses digits where the rows lie far from the origin.
    """
    out: NDArray[Real] = x @ y.T
    out *= -2.0
    out += np.einsum("ij,ij->i", x, x)[:, None]
    out += np.einsum("ij,ij->i", y, y)[None, :]
    np.maximum(out, 0.0, out=out)
    return out


def neighbours(
    x: Array, among: Array, k: int, x_codes: Index | None = None, among_codes: Index | None = None
) -> tuple[Array, Index]:
    """Return squared distances and row numbers of the k nearest of `among`, nearest first: (n, k), (n, k).

    Args:
        x: (n, d) rows.
        among: (m, d) rows to search; exact, block by block.
        k: how many.
        x_codes: (n,) integers; a row of `among` with the same integer is passed over (itself, or the same patient).
        among_codes: (m,) integers.

    Fewer than k left gives infinite distances at the end.

    Raises:
        ValueError: k is above the number of rows to search.
    """
    if k > len(among):
        raise ValueError(f"{k} neighbours of {len(among)} rows")
    distance, index = np.empty((len(x), k)), np.empty((len(x), k), dtype=np.intp)
    for rows in _blocks(len(x), len(among)):
        block = squared_distances(x[rows], among)
        if x_codes is not None and among_codes is not None:
            block[x_codes[rows, None] == among_codes[None, :]] = np.inf
        near = (
            np.argpartition(block, k - 1, axis=1)[:, :k] if k < len(among) else np.tile(np.arange(k), (len(block), 1))
        )
        there = np.take_along_axis(block, near, axis=1)
        order = np.argsort(there, axis=1, kind="stable")
        distance[rows] = np.take_along_axis(there, order, axis=1)
        index[rows] = np.take_along_axis(near, order, axis=1)
    return distance, index


def _blocks(n: int, width: int) -> Iterator[slice]:
    step = max(1, BLOCK_CELLS // max(1, width))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))
