"""Nearest neighbours and what is made of them: precision, recall, density and coverage, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]

BLOCK_CELLS = 2**22
"""Distances held at once (32 MiB of float64)."""
TIE = 1e-9
"""Relative slack of a radius, so that equal distances, computed in different blocks, count as equal."""


@dataclass(frozen=True)
class Measure:
    """One of the four measures, with its values when groups of patients are left out."""

    value: float
    without_real: Array
    """(G,) values without each group of real patients; empty where no groups were given."""
    without_fake: Array
    """(H,) values without each group of generated images; empty where no groups were given."""


def squared_distances(x: Array, y: Array) -> Array:
    """Return |x-y|² of (n, d) and (m, d) rows, (n, m), by one matrix product; never below zero.

    Centre the rows first (`centred`): the product form loses digits where the rows lie far from the origin.
    """
    out = x @ y.T
    out *= -2.0
    out += np.einsum("ij,ij->i", x, x)[:, None]
    out += np.einsum("ij,ij->i", y, y)[None, :]
    return np.asarray(np.maximum(out, 0.0, out=out))


def centred(*samples: NDArray[np.floating[Any]]) -> tuple[Array, ...]:
    """Return the samples as float64 about the mean of the first."""
    mean = np.asarray(samples[0], dtype=float).mean(axis=0)
    return tuple(np.ascontiguousarray(np.asarray(sample, dtype=float) - mean) for sample in samples)


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


def prdc(
    real: NDArray[np.floating[Any]],
    fake: NDArray[np.floating[Any]],
    k: int = 5,
    real_groups: Index | None = None,
    fake_groups: Index | None = None,
) -> dict[str, Measure]:
    """Return precision and recall (Kynkäänniemi 2019, eq. 1-2), density and coverage (Naeem 2020, eq. 3-4).

    A ball about each image reaches to its k-th nearest neighbour in its own sample. Precision: generated images in
    some real ball. Recall: real images in some generated ball. Density: real balls about a generated image, over k.
    Coverage: real balls that hold a generated image. Leaving out a group also widens the balls that lost a
    neighbour, so the left-out values are exactly those of the smaller samples.

    Args:
        real: (n, d) features.
        fake: (m, d) features.
        k: neighbours that set the radius.
        real_groups: (n,) group of patients of each row, from `resample.deal_groups`; None computes values alone.
        fake_groups: (m,) the same of the generated images.

    Raises:
        ValueError: a sample, or what is left of it without a group, has no more than k rows.
    """
    real, fake = centred(real, fake)
    real_radii, fake_radii = _radii(real, k, real_groups), _radii(fake, k, fake_groups)
    in_real = _inside(fake, real, real_radii)
    in_fake = _inside(real, fake, fake_radii)
    nearest = _nearest_by_group(real, fake, fake_groups)
    return {
        "precision": _share_inside(in_real > 0, real_groups, fake_groups, rows_are_real=False),
        "recall": _share_inside(in_fake > 0, real_groups, fake_groups, rows_are_real=True),
        "density": _share_inside(in_real / k, real_groups, fake_groups, rows_are_real=False),
        "coverage": _coverage(nearest, real_radii, real_groups),
    }


def _blocks(n: int, width: int) -> Iterator[slice]:
    step = max(1, BLOCK_CELLS // max(1, width))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def _count(groups: Index | None) -> int:
    return 0 if groups is None else int(groups.max()) + 1


def _radii(x: Array, k: int, groups: Index | None) -> Array:
    """Return squared radii (n, 1 + G): of all rows, then without each group (-1 for the rows left out)."""
    n_groups = _count(groups)
    if len(x) - (np.bincount(groups).max() if groups is not None else 0) <= k:
        raise ValueError(f"{len(x)} rows are too few for {k} neighbours")
    own = np.arange(len(x))
    near, index = neighbours(x, x, min(len(x), 4 * k + 4), own, own)
    radii = np.empty((len(x), 1 + n_groups))
    radii[:, 0] = near[:, k - 1]
    for group in range(n_groups):
        assert groups is not None
        left = (groups[index] != group) & np.isfinite(near)
        short = left.sum(axis=1) < k
        kth = np.argmax(np.cumsum(left, axis=1) == k, axis=1)
        radii[:, 1 + group] = near[own, kth]
        for row in np.flatnonzero(short & (groups != group)):  # nearly all neighbours are in the group left out
            others = squared_distances(x[row : row + 1], x[(groups != group) & (own != row)])[0]
            radii[row, 1 + group] = np.partition(others, k - 1)[k - 1]
    radii = radii * (1.0 + TIE) + TIE * float(np.mean(radii[:, 0])) * 1e-3
    for group in range(n_groups):
        radii[groups == group, 1 + group] = -1.0
    return radii


def _inside(points: Array, centres: Array, radii: Array) -> Array:
    """Return in how many balls each point lies, for each column of radii: (n, 1 + G)."""
    counts = np.empty((len(points), radii.shape[1]))
    for rows in _blocks(len(points), len(centres)):
        block = squared_distances(points[rows], centres)
        for column in range(radii.shape[1]):
            counts[rows, column] = np.count_nonzero(block <= radii[:, column], axis=1)
    return counts


def _nearest_by_group(real: Array, fake: Array, groups: Index | None) -> Array:
    """Return the squared distance of each real row to the nearest generated row, all and without each group."""
    n_groups = max(1, _count(groups))
    of_group = np.zeros(len(fake), dtype=np.intp) if groups is None else groups
    order = np.argsort(of_group, kind="stable")
    sorted_fake, starts = fake[order], np.searchsorted(of_group[order], np.arange(n_groups))
    minima = np.empty((len(real), n_groups))
    for rows in _blocks(len(real), len(fake)):
        minima[rows] = np.minimum.reduceat(squared_distances(real[rows], sorted_fake), starts, axis=1)
    if groups is None:
        return minima
    without = [np.delete(minima, group, axis=1).min(axis=1) for group in range(n_groups)]
    return np.column_stack([minima.min(axis=1), *without])


def _without(values: Array, groups: Index | None) -> Array:
    """Return the mean of the rows without each group."""
    if groups is None:
        return np.empty(0)
    sums, sizes = np.bincount(groups, weights=values), np.bincount(groups)
    return np.asarray((values.sum() - sums) / (len(values) - sizes))


def _share_inside(
    inside: NDArray[np.generic], real_groups: Index | None, fake_groups: Index | None, *, rows_are_real: bool
) -> Measure:
    """Return the mean over rows; rows of the one sample, balls of the other."""
    table = np.asarray(inside, dtype=float)
    rows = _without(table[:, 0], real_groups if rows_are_real else fake_groups)
    balls = table[:, 1:].mean(axis=0)
    return Measure(float(table[:, 0].mean()), *((rows, balls) if rows_are_real else (balls, rows)))


def _coverage(nearest: Array, radii: Array, real_groups: Index | None) -> Measure:
    covered = (nearest[:, 0] <= radii[:, 0]).astype(float)
    without_fake = (nearest[:, 1:] <= radii[:, :1]).mean(axis=0)
    without_real = np.array(
        [
            np.mean(nearest[real_groups != group, 0] <= radii[real_groups != group, 1 + group])
            for group in range(_count(real_groups))
        ]
    )
    return Measure(float(covered.mean()), without_real, np.asarray(without_fake))
