"""The likeliest pairs: each image's nearest few by their vectors, over all changes looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from usearch.index import BatchMatches, Index

from radassay.matching.codebook import Codebook, Vectors
from radassay.matching.described import Described
from radassay.matching.keypoints import CHANGES, Change
from radassay.matching.sharing import shared

EXACT = 100_000
"""Images up to which every pair of vectors is compared: a graph of neighbours that finds as many copies is no cheaper
below. Above, such a graph is searched."""
LINKS, CARE = 32, 256
"""Neighbours of a vector in the graph, and how many are weighed when it enters. With half of either, vectors of images
that are all alike, as chests are, lose their neighbours as the graph grows."""
BLOCK = 64
"""Columns of a table of likeness that are passed over together."""
FEW = (4000, 100)
"""Pairs of images, at most, that are all looked at unchanged, and under every change too."""
STEPS = 400
"""Steps of a value of 1 in the graph, where vectors are kept as whole numbers from -127 to 127 to fit into cache."""
PART = 512
"""Images whose vectors are made at a time."""


def _inverse(number: int) -> int:
    """Return the position of the change that undoes one."""
    change = CHANGES[number]
    turns = change.turns if change.mirrored else -change.turns % 4
    return CHANGES.index(Change(turns, change.mirrored, change.inverted))


UNDONE = np.array([_inverse(number) for number in range(len(CHANGES))])
"""The change that undoes each."""
Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Rows of the first, rows of the second, change of the first; (k,) each."""


@dataclass(frozen=True)
class Shortlist:
    """Pairs worth a closer look."""

    pairs: NDArray[np.int64]
    """(k, 2) sorted; within one set the smaller first. A pair may come under several changes."""
    changes: NDArray[np.int64]
    """(k,) the change of the first picture, a position in `CHANGES`, under which it is like the second."""


def shortlist(
    first: Described,
    second: Described | None,
    codebook: Codebook,
    candidates: int,
    processes: int = 1,
    exact: int = EXACT,
) -> Shortlist:
    """Return each image's nearest few over all changes together, either way; among few images, all unchanged.

    Args:
        first: images.
        second: others; None compares the first among themselves.
        codebook: makes their vectors.
        candidates: nearest images of each image, under whichever change they come.
        processes: how many share the work; the result is the same.
        exact: images up to which all pairs are compared. Above, neighbours are looked for in a graph (HNSW: Malkov &
            Yashunin, IEEE TPAMI 2020;42:824), at a cost that grows as n log n.
    """
    n, m = len(first), len(first if second is None else second)
    parts = [_searched(first, second, codebook, candidates, processes, max(n, m) > exact)]
    if second is not None:
        j, i, change = _searched(second, first, codebook, candidates, processes, max(n, m) > exact)
        parts.append((i, j, UNDONE[change]))
    i, j, change = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if second is None:
        back = i > j
        change = np.where(back, UNDONE[change], change)
        i, j = np.minimum(i, j), np.maximum(i, j)
    kept = np.unique(np.column_stack([i, j, change]), axis=0)
    return Shortlist(kept[:, :2], kept[:, 2])


def _searched(
    first: Described, second: Described | None, codebook: Codebook, candidates: int, processes: int, graph: bool
) -> Found:
    """Return the nearest of every image over all changes."""
    other = first if second is None else second
    plain = np.concatenate([part[0] for part in _vectors(codebook, other, CHANGES[:1], processes)])
    index = graph_of(plain) if graph else None
    every = len(first) * len(other)
    k = len(other) if every <= FEW[0] else min(candidates + (second is None), len(other))
    found = []
    for start, by_change in zip(_starts(first), _vectors(codebook, first, CHANGES, processes), strict=True):
        near = [nearest(a, plain, k) if index is None else around(a, index, k)[:2] for a in by_change]
        keys, likeness = np.stack([keys for keys, _ in near], axis=1), np.stack([like for _, like in near], axis=1)
        # Nothing is like a picture without keypoints, nor is one of interest to itself.
        likeness[likeness == 0] = -np.inf
        if second is None:
            likeness[keys == (start + np.arange(len(keys)))[:, None, None]] = -np.inf
        kept = _most(likeness, candidates, every)
        i, change, place = np.nonzero(kept & np.isfinite(likeness))
        found.append((i + start, keys[i, change, place], change))
    i, j, change_of = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return i, j, change_of


def _most(likeness: Vectors, candidates: int, every: int) -> NDArray[np.bool_]:
    """Return which of (n, changes, k) are among the most likely of their image."""
    if every <= FEW[1]:
        return np.ones(likeness.shape, dtype=bool)
    flat = likeness.reshape(len(likeness), -1)
    kept = np.zeros(flat.shape, dtype=bool)
    np.put_along_axis(kept, np.argpartition(-flat, candidates - 1, axis=1)[:, :candidates], True, axis=1)
    by_change = kept.reshape(likeness.shape)
    if every <= FEW[0]:
        by_change[:, 0] = True
    return by_change


def _starts(images: Described) -> range:
    return range(0, len(images), PART)


def _vectors(codebook: Codebook, images: Described, changes: tuple[Change, ...], processes: int) -> Iterator[Vectors]:
    """Yield the vectors (changes, n, d) of all images in parts."""
    yield from shared(partial(_part, codebook, images, changes), _starts(images), processes)


def _part(codebook: Codebook, images: Described, changes: tuple[Change, ...], start: int) -> Vectors:
    return codebook.vectors(images, changes, start, min(start + PART, len(images)))


def nearest(a: Vectors, b: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
    """Return the nearest k rows of b for each row of a, in no order, and how like they are; 0 where either is nothing.

    The k likest lie in the k blocks whose likest are the likest, so that most of the table is passed over but once.
    """
    likeness = a @ b.T
    n, m = likeness.shape
    whole = m // BLOCK * BLOCK
    if whole <= k * BLOCK:
        near = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
        return near, np.take_along_axis(likeness, near, axis=1)
    tops = likeness[:, :whole].reshape(n, -1, BLOCK).max(axis=2)
    blocks = np.argpartition(-tops, k - 1, axis=1)[:, :k]
    columns = (blocks[:, :, None] * BLOCK + np.arange(BLOCK)).reshape(n, -1)
    columns = np.concatenate([columns, np.broadcast_to(np.arange(whole, m), (n, m - whole))], axis=1)
    some = np.take_along_axis(likeness, columns, axis=1)
    kept = np.argpartition(-some, k - 1, axis=1)[:, :k]
    return np.take_along_axis(columns, kept, axis=1), np.take_along_axis(some, kept, axis=1)


def graph_of(vectors: Vectors, index: Index | None = None) -> Index:
    """Return a graph of neighbours among vectors (n, d), a graph there is with them added to it."""
    if index is None:
        index = Index(ndim=vectors.shape[1], metric="ip", dtype="i8", connectivity=LINKS, expansion_add=CARE)
    # One thread: the graph, and with it the result, depends on the order in which vectors enter it.
    index.add(len(index) + np.arange(len(vectors)), _steps(vectors), threads=1)
    return index


def around(a: Vectors, index: Index, k: int) -> tuple[NDArray[np.int64], Vectors, int]:
    """Return the nearest k of each row of a in a graph, how like they are, and how many vectors were compared."""
    near = index.search(_steps(a), k, threads=1)
    assert isinstance(near, BatchMatches)
    keys, likeness = near.keys.reshape(len(a), -1), 1 - near.distances.reshape(len(a), -1)
    likeness[np.arange(keys.shape[1]) >= near.counts.reshape(-1, 1)] = 0
    return keys.astype(np.int64), likeness.astype(np.float32), int(near.computed_distances)


def _steps(vectors: Vectors) -> NDArray[np.int8]:
    return np.clip(np.rint(vectors * STEPS), -127, 127).astype(np.int8)
