"""The likeliest pairs: each image's nearest few by their vectors, over all changes looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from radassay.matching.codebook import Codebook, Vectors
from radassay.matching.described import Described
from radassay.matching.keypoints import CHANGES, Change
from radassay.matching.sharing import shared

EXACT = 20_000
"""Images up to which every pair of vectors is compared; above, a graph of neighbours is searched."""
FEW = (4000, 100)
"""Pairs of images, at most, that are all looked at unchanged, and under every change too."""
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
    """Return each image's nearest few unchanged, and its nearest under every change, either way.

    Args:
        first: images.
        second: others; None compares the first among themselves.
        codebook: makes their vectors.
        candidates: nearest images of each image; of its changed versions, a quarter as many.
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
    """Return the nearest of every image under every change."""
    other = first if second is None else second
    plain = np.concatenate([part for (part,) in _vectors(codebook, other, CHANGES[:1], processes)])
    index = None
    if graph:
        index = Index(ndim=plain.shape[1], metric="ip", dtype="f16")
        # One thread: the graph, and with it the result, depends on the order in which vectors enter it.
        index.add(np.arange(len(plain)), plain, threads=1)
    found = []
    every = len(first) * len(other)
    for start, by_change in zip(_starts(first), _vectors(codebook, first, CHANGES, processes), strict=True):
        for number, changed in enumerate(by_change):
            k = candidates if number == 0 else max(1, candidates // 4)
            k = len(other) if every <= FEW[min(number, 1)] else k
            own = start if second is None else None
            i, j = _nearest(changed, plain, own, k) if index is None else _around(changed, index, own, k)
            found.append((i + start, j, np.full(len(i), number)))
    i, j, change_of = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return i, j, change_of


def _starts(images: Described) -> range:
    return range(0, len(images), PART)


def _vectors(
    codebook: Codebook, images: Described, changes: tuple[Change, ...], processes: int
) -> Iterator[list[Vectors]]:
    """Yield the vectors of all images in parts, under each change."""
    yield from shared(partial(_part, codebook, images, changes), _starts(images), processes)


def _part(codebook: Codebook, images: Described, changes: tuple[Change, ...], start: int) -> list[Vectors]:
    stop = min(start + PART, len(images))
    return [codebook.vectors(images, change, start, stop) for change in changes]


def _nearest(a: Vectors, b: Vectors, own: int | None, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nearest k of each row of a; where a lies in b from row `own`, not itself."""
    likeness = a @ b.T
    if own is not None:
        likeness[np.arange(len(a)), own + np.arange(len(a))] = 0
    near = np.argpartition(-likeness, min(k, len(b)) - 1, axis=1)[:, :k]
    i, j = np.repeat(np.arange(len(a)), near.shape[1]), near.reshape(-1)
    kept = likeness[i, j] != 0
    return i[kept], j[kept]


def _around(a: Vectors, index: Index, own: int | None, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nearest k of each row of a in the graph."""
    near = index.search(a, min(k + 1, len(index)), threads=1)
    i = np.repeat(np.arange(len(a)), near.keys.shape[1])
    j = near.keys.reshape(-1).astype(np.int64)
    kept = np.ones(len(i), dtype=bool) if own is None else i + own != j
    return i[kept], j[kept]
