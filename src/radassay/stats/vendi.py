"""Vendi score: the effective number of different images in a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def vendi(x: NDArray[np.floating[Any]]) -> float:
    """Return exp(-Σ λ log λ) of the eigenvalues λ of the cosine kernel over n (Friedman & Dieng 2023, eq. 2).

    The kernel X Xᵀ/n of unit rows has the non-zero eigenvalues of XᵀX/n, so the smaller of the two is decomposed: the
    cost is that of the smaller of n and d, cubed. It is 1 where all rows point one way and n where they are
    orthogonal; it grows with n, so it is to be compared between samples of one size.

    Args:
        x: (n, d) features, about a common origin; only their directions count.

    Raises:
        ValueError: no rows, or a row of length zero, which has no direction.
    """
    rows = np.asarray(x, dtype=float)
    if not len(rows):
        raise ValueError("the Vendi score needs a row")
    lengths = np.linalg.norm(rows, axis=1)
    if not lengths.all():
        raise ValueError("a row of length zero has no direction")
    rows = rows / lengths[:, None]
    n, d = rows.shape
    shares = np.linalg.eigvalsh((rows @ rows.T if n <= d else rows.T @ rows) / n)
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))


def log_vendi_moves(x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return how far each row moves the logarithm of the Vendi score, (n,): their mean is that logarithm.

    The first-order influence of a row of unit length u on the entropy of K = Σ uuᵀ/n is -uᵀ log(K) u less the entropy.
    It misses what the estimated axes add, which is little where there are well over as many rows as axes.

    Args:
        x: (n, d) features, no row of length zero.
    """
    rows = np.asarray(x, dtype=float)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    shares, axes = np.linalg.eigh(rows.T @ rows / len(rows))
    kept = shares > 1e-12
    return np.asarray(-((rows @ axes[:, kept]) ** 2) @ np.log(shares[kept]))


def log_ratio_parts(x_moves: Sequence[Array], y_moves: Sequence[Array]) -> list[tuple[float, int]]:
    """Return variance and degrees of freedom of a log ratio of Vendi scores: over its rows, and over its space.

    Both samples were measured in a space that others spanned, and again in the spaces of balanced halves of these,
    whose variance is that of the whole (McCarthy 1969). In part the spaces differ by what these very rows show of them;
    that is in the variance over rows already, as the interaction in an analysis of variance, and is taken off.

    Args:
        x_moves: (n,) of the first sample from `log_vendi_moves`, in the space of all and in that of each half.
        y_moves: (m,) of the second.
    """
    first, spread, interaction = 0.0, np.zeros(len(x_moves) - 1), 0.0
    for sign, moves in ((-1.0, np.stack(x_moves)), (1.0, np.stack(y_moves))):
        n, halves = moves.shape[1], moves[1:]
        first += float(moves[0].var(ddof=1)) / n
        spread += sign * halves.mean(axis=1)
        if len(halves) > 1:
            own = (halves - halves.mean(axis=0)).var(axis=1, ddof=1)
            interaction += float(own.sum()) / (len(halves) - 1) / n
    parts = [(first, min(len(x_moves[0]), len(y_moves[0])) - 1)]
    if len(spread) > 1:
        parts.append((max(float(spread.var(ddof=1)) - interaction, 0.0), len(spread) - 1))
    return parts
