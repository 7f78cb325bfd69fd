"""The likeliest pairs, from one short vector an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.matching.described import Described
from radassay.matching.keypoints import CHANGES, LENGTH, Change, root

CENTRES = 128
KEPT = 64
"""Dimensions of a descriptor after projection."""
LONGEST = 512
"""Values of an image's vector."""
SAMPLED = 1024
"""Images that the codebook is learnt from."""
EXACT = 20_000
"""Images up to which every pair of vectors is compared; above, a graph of neighbours is searched."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Codebook:
    """How the descriptors of an image become one vector (VLAD: Jégou et al., IEEE TPAMI 2012;34:1704)."""

    mean: Vectors
    projection: Vectors
    """(128, 64)."""
    centres: Vectors
    """(k, 64)."""
    middle: Vectors
    reduction: Vectors
    """(k * 64, d)."""

    @classmethod
    def learn(cls, sets: list[Described], rng: np.random.Generator) -> Codebook | None:
        """Return the codebook of a random part of the images, or None where they have no keypoints."""
        owners = np.concatenate([np.full(len(s), number) for number, s in enumerate(sets)])
        places = np.concatenate([np.arange(len(s)) for s in sets])
        chosen = np.sort(rng.choice(len(owners), min(SAMPLED, len(owners)), replace=False))
        descriptors = [_descriptors(sets[owners[i]], int(places[i])) for i in chosen]
        pool = [d[rng.permutation(len(d))[:100]] for d in descriptors if len(d)]
        if not pool:
            return None
        sample = np.concatenate(pool)
        mean = sample.mean(axis=0)
        _, axes = np.linalg.eigh(np.cov((sample - mean).T, ddof=0).astype(np.float64))
        projection = np.ascontiguousarray(axes[:, ::-1][:, :KEPT]).astype(np.float32)
        centres = _means((sample - mean) @ projection, CENTRES, rng)
        plain = cls(mean, projection, centres, np.zeros(1, np.float32), np.empty((0, 0), np.float32))
        rows = np.stack(
            [plain._aggregate(d, CHANGES[rng.integers(len(CHANGES))]) for d in descriptors for _ in range(3)]
        )
        middle = rows.mean(axis=0)
        _, spread, axes = np.linalg.svd(rows - middle, full_matrices=False)
        kept = max(1, min(LONGEST, int((spread > 1e-3 * max(spread[0], 1e-6)).sum())))
        weight = np.maximum(spread[:kept], 1e-6) ** -0.5
        return cls(mean, projection, centres, middle, np.ascontiguousarray(axes[:kept].T * weight).astype(np.float32))

    def vectors(self, images: Described, change: Change, start: int = 0, stop: int | None = None) -> Vectors:
        """Return the vectors (n, d) of length 1 of images changed so; zeros where an image has no keypoints."""
        stop = len(images) if stop is None else stop
        out = np.zeros((stop - start, self.reduction.shape[1]), dtype=np.float32)
        for at in range(start, stop, 256):
            upto = min(at + 256, stop)
            records = images.rows(at, upto)
            found = np.flatnonzero(records["count"] > 0)
            if not len(found):
                continue
            rows = np.stack([self._aggregate(root(r["descriptors"][: r["count"]]), change) for r in records[found]])
            out[at - start + found] = (rows - self.middle) @ self.reduction
        return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9), dtype=np.float32)

    def _aggregate(self, descriptors: Vectors, change: Change) -> Vectors:
        """Return the residuals of descriptors (k, 128) to their centres, summed by centre and evened out."""
        points = (descriptors[:, change.order] - self.mean) @ self.projection
        nearest = (points @ self.centres.T - 0.5 * (self.centres**2).sum(axis=1)).argmax(axis=1)
        belongs = np.zeros((len(self.centres), len(points)), dtype=np.float32)
        belongs[nearest, np.arange(len(points))] = 1
        sums = belongs @ points - belongs.sum(axis=1, keepdims=True) * self.centres
        sums /= np.linalg.norm(sums, axis=1, keepdims=True) + 1e-6
        flat = (np.sign(sums) * np.sqrt(np.abs(sums))).reshape(-1)
        return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-6), dtype=np.float32)


def _descriptors(images: Described, number: int) -> Vectors:
    row = images.rows(number, number + 1)[0]
    return root(row["descriptors"][: row["count"]]) if row["count"] else np.empty((0, LENGTH), np.float32)


def _means(points: Vectors, k: int, rng: np.random.Generator, rounds: int = 12) -> Vectors:
    """Return k centres of points (Lloyd's k-means from random points)."""
    centres = points[rng.choice(len(points), min(k, len(points)), replace=False)].copy()
    for _ in range(rounds):
        nearest = (points @ centres.T - 0.5 * (centres**2).sum(axis=1)).argmax(axis=1)
        for centre in range(len(centres)):
            if (nearest == centre).any():
                centres[centre] = points[nearest == centre].mean(axis=0)
    return centres


@dataclass(frozen=True)
class Shortlist:
    """Pairs worth a closer look."""

    pairs: NDArray[np.intp]
    """(k, 2), each once, sorted."""
    changes: NDArray[np.intp]
    """(k,) the change of the first picture, a position in `CHANGES`, that makes it most like the second."""


def shortlist(first: Described, second: Described | None, codebook: Codebook, candidates: int) -> Shortlist:
    """Return each image's nearest few, either way, over all changes."""
    other = first if second is None else second
    plain = codebook.vectors(other, CHANGES[0])
    found: dict[tuple[int, int], tuple[float, int]] = {}
    for number, change in enumerate(CHANGES):
        changed = codebook.vectors(first, change)
        for i, j, likeness in _nearest(changed, plain, candidates, second is None):
            pair = (i, j)
            if pair not in found or likeness > found[pair][0]:
                found[pair] = (likeness, number)
    return _few(found, candidates, second is None)


def _nearest(a: Vectors, b: Vectors, k: int, same: bool) -> list[tuple[int, int, float]]:
    """Return (row of a, row of b, likeness) of the nearest k of each row and of each column."""
    out: list[tuple[int, int, float]] = []
    for start in range(0, len(a), 1024):
        likeness = a[start : start + 1024] @ b.T
        if same:
            likeness[np.arange(len(likeness)), start + np.arange(len(likeness))] = -2
        for axis in (1,) if same else (0, 1):
            most = min(k, likeness.shape[axis])
            near = np.argpartition(-likeness, most - 1, axis=axis).take(np.arange(most), axis=axis)
            rows, columns = np.nonzero(np.ones_like(near))
            i, j = (rows, near[rows, columns]) if axis else (near[rows, columns], columns)
            out += zip((i + start).tolist(), j.tolist(), likeness[i, j].tolist(), strict=True)
    return [(i, j, likeness) for i, j, likeness in out if likeness > 0 and not (same and i == j)]


def _few(found: dict[tuple[int, int], tuple[float, int]], k: int, same: bool) -> Shortlist:
    """Return the best k of each image among the pairs found over all changes."""
    by_first: dict[Any, list[tuple[float, int, int]]] = {}
    for (i, j), (likeness, _) in found.items():
        by_first.setdefault(("a", i), []).append((-likeness, i, j))
        if not same:
            by_first.setdefault(("b", j), []).append((-likeness, i, j))
    kept: dict[tuple[int, int], tuple[float, int]] = {}
    for ranked in by_first.values():
        for _, i, j in sorted(ranked)[:k]:
            likeness, change = found[i, j]
            pair = (i, j)
            if same and i > j:
                pair, change = (j, i), _inverse(change)
            if pair not in kept or likeness > kept[pair][0]:
                kept[pair] = (likeness, change)
    pairs = sorted(kept)
    return Shortlist(
        np.array(pairs, dtype=np.intp).reshape(-1, 2), np.array([kept[p][1] for p in pairs], dtype=np.intp)
    )


def _inverse(number: int) -> int:
    """Return the position of the change that undoes one."""
    change = CHANGES[number]
    turns = change.turns if change.mirrored else -change.turns % 4
    return CHANGES.index(Change(turns, change.mirrored, change.inverted))
