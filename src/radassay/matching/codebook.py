"""One short vector an image, near to those of images that share local patterns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from radassay.matching.described import Described
from radassay.matching.keypoints import CHANGES, LENGTH, Change, root

CENTRES = 128
KEPT = 64
"""Dimensions of a descriptor after projection."""
LONGEST = 512
"""Values of an image's vector."""
DRAWN = 48
"""Descriptors of each of them."""
SAMPLED = 1024
"""Images that the codebook is learnt from."""
BATCH = 64
"""Images whose vectors are made at a time: 20 MiB under all changes."""

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
        pool = [d[rng.permutation(len(d))[:DRAWN]] for d in descriptors if len(d)]
        if not pool:
            return None
        sample = np.concatenate(pool)
        mean = sample.mean(axis=0)
        _, axes = np.linalg.eigh(np.cov((sample - mean).T, ddof=0).astype(np.float64))
        projection = np.ascontiguousarray(axes[:, ::-1][:, :KEPT]).astype(np.float32)
        centres = _means((sample - mean) @ projection, CENTRES, rng)
        plain = cls(mean, projection, centres, np.zeros(1, np.float32), np.empty((0, 0), np.float32))
        ways = [plain._reordered((change,)) for change in CHANGES]
        rows = np.stack(
            [plain._aggregates(d, ways[rng.integers(len(CHANGES))])[0] for d in descriptors for _ in range(3)]
        )
        middle = rows.mean(axis=0)
        reduction = _axes(rows - middle, LONGEST)
        return cls(mean, projection, centres, middle, reduction)

    def vectors(
        self, images: Described, changes: tuple[Change, ...], start: int = 0, stop: int | None = None
    ) -> Vectors:
        """Return the vectors (c, n, d) of length 1 of images under each change; zeros where there are no keypoints."""
        stop = len(images) if stop is None else stop
        out = np.zeros((len(changes), stop - start, self.reduction.shape[1]), dtype=np.float32)
        projections = self._reordered(changes)
        for at in range(start, stop, BATCH):
            records = images.rows(at, min(at + BATCH, stop))
            found = np.flatnonzero(records["count"] > 0)
            if not len(found):
                continue
            rows = [self._aggregates(root(r["descriptors"][: r["count"]]), projections) for r in records[found]]
            out[:, at - start + found] = ((np.stack(rows, axis=1) - self.middle) @ self.reduction).astype(np.float32)
        return np.asarray(out / np.maximum(np.linalg.norm(out, axis=2, keepdims=True), 1e-9), dtype=np.float32)

    def _aggregates(self, descriptors: Vectors, projections: Vectors) -> Vectors:
        """Return, for each change, the residuals of descriptors (k, 128) to their centres, summed and evened out."""
        changes = projections.shape[1] // self.projection.shape[1]
        points = (descriptors @ projections).reshape(-1, self.projection.shape[1])
        points -= self.mean @ self.projection
        nearest = (points @ self.centres.T - 0.5 * (self.centres**2).sum(axis=1)).argmax(axis=1)
        # Row i * c + j is descriptor i under change j.
        cell = nearest + np.tile(np.arange(changes) * len(self.centres), len(descriptors))
        cells = changes * len(self.centres)
        ends = np.arange(len(points) + 1)
        belongs = csc_array((np.ones(len(points), np.float32), cell, ends), shape=(cells, len(points)))
        counts = np.bincount(cell, minlength=cells).astype(np.float32)
        sums = (belongs @ points).reshape(changes, *self.centres.shape)
        sums -= counts.reshape(changes, -1, 1) * self.centres
        sums /= np.linalg.norm(sums, axis=2, keepdims=True) + 1e-6
        flat = (np.sign(sums) * np.sqrt(np.abs(sums))).reshape(changes, -1)
        return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), dtype=np.float32)

    def _reordered(self, changes: tuple[Change, ...]) -> Vectors:
        """Return the projections (128, c * 64) that reorder descriptors first, as each change does."""
        return np.concatenate([self.projection[np.argsort(change.order)] for change in changes], axis=1)


def _descriptors(images: Described, number: int) -> Vectors:
    row = images.rows(number, number + 1)[0]
    return root(row["descriptors"][: row["count"]]) if row["count"] else np.empty((0, LENGTH), np.float32)


def _axes(rows: Vectors, most: int) -> Vectors:
    """Return (columns, d): the main axes of rows, each weighted by the inverse root of its singular value.

    Half-way to whitening, which evens out what all images share (Jégou & Chum, ECCV 2012). By way of the products of
    rows, of which there are fewer than columns.
    """
    spread, left = np.linalg.eigh((rows @ rows.T).astype(np.float64))
    spread, left = np.sqrt(np.maximum(spread[::-1][:most], 0)), left[:, ::-1][:, :most]
    kept = spread > 1e-3 * max(float(spread[0]), 1e-6)
    if not kept.any():
        return np.zeros((rows.shape[1], 1), dtype=np.float32)
    weighted = left[:, kept] * spread[kept] ** -1.5
    return np.ascontiguousarray(rows.T @ weighted.astype(np.float32))


def _means(points: Vectors, k: int, rng: np.random.Generator, rounds: int = 10) -> Vectors:
    """Return k centres of points (Lloyd's k-means from random points)."""
    centres = points[rng.choice(len(points), min(k, len(points)), replace=False)].copy()
    for _ in range(rounds):
        nearest = (points @ centres.T - 0.5 * (centres**2).sum(axis=1)).argmax(axis=1)
        order = np.argsort(nearest, kind="stable")
        met, starts = np.unique(nearest[order], return_index=True)
        counts = np.diff(np.append(starts, len(points)))
        centres[met] = np.add.reduceat(points[order], starts, axis=0) / counts[:, None]
    return centres
