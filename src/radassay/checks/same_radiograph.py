"""Find the same radiograph again after resizing, cropping, recompression, windowing or a new border.

Two pictures are the same radiograph when, laid over each other, their fine detail (ribs, vessels, noise) correlates.
Every pair of images is compared on small pictures at many crops; each image's nearest few are laid over it exactly.
Rotated and mirrored copies are not looked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.checks.alignment import (
    Pictures,
    Placements,
    agreement,
    align,
    area_weights,
    local_contrast,
    resized,
)

SIDE = 128
"""Side in pixels at which fine detail is compared; smaller pictures are compared at their own size."""
CANDIDATES = 3
"""Nearest images, by small pictures, that are laid over each image."""
GATES = (0.7, 0.6)
"""Correlations that coarse and medium detail must reach before the next finer is looked at."""
REFINED = 0.45
"""Correlation of fine detail from which a pair is laid over each other once more; copies start from 0.6 and more."""
OVERLAP = 0.2
"""Least share of either picture that the other must show."""


@dataclass(frozen=True)
class Views:
    """Pictures at three sizes, each with its local contrast evened out."""

    coarse: Pictures
    """(n, 32, 32)."""
    medium: Pictures
    """(n, 64, 64)."""
    sharp: Pictures
    """(n, side, side)."""

    @classmethod
    def of(cls, pixels: Pictures) -> Views:
        """Return the views of pictures (n, size, size) in [0, 1]; values that are no numbers become black."""
        side = min(SIDE, pixels.shape[1])
        base = resized(np.nan_to_num(pixels, nan=0.0, posinf=1.0, neginf=0.0).astype(np.float32), side)
        return cls(
            coarse=local_contrast(resized(base, 32), 2.5),
            medium=local_contrast(resized(base, min(64, side)), 2.5),
            sharp=local_contrast(base, 1.0),
        )

    def __len__(self) -> int:
        return len(self.coarse)

    def take(self, rows: NDArray[np.integer[Any]]) -> Views:
        """Return the pictures at these positions."""
        return Views(self.coarse[rows], self.medium[rows], self.sharp[rows])

    @cached_property
    def mirrored(self) -> Views:
        """Return the pictures with left and right exchanged: chests like these, but never the same radiograph."""
        return Views(*(view[:, :, ::-1] for view in (self.coarse, self.medium, self.sharp)))


@dataclass(frozen=True)
class Matches:
    """Pairs that were laid over each other, best first."""

    pairs: NDArray[np.intp]
    """(m, 2) positions in the first and the second set."""
    scores: NDArray[np.float32]
    """(m,) correlation of fine detail; 1 is the same picture."""
    compared: int
    """Pairs of images there were."""

    def above(self, threshold: float) -> Matches:
        """Return the pairs that score at least so much."""
        kept = self.scores >= threshold
        return Matches(self.pairs[kept], self.scores[kept], self.compared)


def compare(first: Views, second: Views | None = None, candidates: int = CANDIDATES) -> Matches:
    """Return the likeliest pairs of two sets, or within one, with the score of each.

    Args:
        first: n pictures.
        second: m pictures; None compares the first among themselves, each pair once.
        candidates: nearest images laid over each image.
    """
    other = first if second is None else second
    n, m = len(first), len(other)
    compared = n * (n - 1) // 2 if second is None else n * m
    if not compared:
        return Matches(np.empty((0, 2), dtype=np.intp), np.empty(0, dtype=np.float32), 0)
    pairs, placements = _shortlist(first.coarse, other.coarse, second is None, candidates)
    scores = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), 64):
        part = slice(start, start + 64)
        scores[part] = _score(first, other, pairs[part], placements[part])
    kept = np.flatnonzero(scores > -1)
    order = kept[np.lexsort((pairs[kept, 1], pairs[kept, 0], -scores[kept]))]
    return Matches(pairs[order], scores[order], compared)


def _score(first: Views, second: Views, pairs: NDArray[np.intp], placements: Placements) -> NDArray[np.float32]:
    """Return the correlation of fine detail of each pair, -1 where coarser detail already differs."""
    out = np.full(len(pairs), -1, dtype=np.float32)
    rows = np.arange(len(pairs))
    for size, steps, gate in zip(("coarse", "medium"), (5, 4), GATES, strict=True):
        a, b = getattr(first, size)[pairs[rows, 0]], getattr(second, size)[pairs[rows, 1]]
        placements, scores = align(a, b, placements, steps)
        rows, placements = rows[scores >= gate], placements[scores >= gate]
        if not len(rows):
            return out
    a, b = first.sharp[pairs[rows, 0]], second.sharp[pairs[rows, 1]]
    scores, _ = agreement(a, b, placements)
    near = scores >= REFINED
    if near.any():
        placements[near], _ = align(a[near], b[near], placements[near], 3)
    scores, overlap = agreement(a, b, placements)
    covered = overlap * placements[:, 0] * placements[:, 2]
    out[rows] = np.where((overlap >= OVERLAP) & (covered >= OVERLAP), scores, -1)
    return out


def windows() -> list[tuple[float, float, float, float]]:
    """Return the crops (top, bottom, left, right) tried: up to 15 % off each side, and smaller ones anywhere."""
    cuts = (0.0, 0.05, 0.1, 0.15)
    near = [(t, 1 - b, le, 1 - r) for t, b, le, r in itertools.product(cuts, repeat=4)]
    sides = ((0.75, 0.75), (0.75, 0.9), (0.9, 0.75), (0.65, 0.65), (0.85, 0.6), (0.6, 0.85))
    far = [
        (y * (1 - h), y * (1 - h) + h, x * (1 - w), x * (1 - w) + w)
        for (h, w), y, x in itertools.product(sides, (0.0, 0.5, 1.0), (0.0, 0.5, 1.0))
    ]
    return near + far


def _crops(coarse: Pictures, boxes: list[tuple[float, float, float, float]]) -> Iterator[NDArray[np.float32]]:
    """Yield each crop of all pictures, (n, 144), centred and of length 1, so that products are correlations."""
    rows: dict[tuple[float, float], Pictures] = {}
    for top, bottom, left, right in boxes:
        if (top, bottom) not in rows:
            rows = {(top, bottom): area_weights(top, bottom, 12, coarse.shape[1]) @ coarse}
        flat = (rows[top, bottom] @ area_weights(left, right, 12, coarse.shape[1]).T).reshape(len(coarse), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        yield flat / (np.linalg.norm(flat, axis=1, keepdims=True) + np.float32(1e-6))


def _shortlist(
    first: Pictures, second: Pictures, same: bool, candidates: int, chunk: int = 1024
) -> tuple[NDArray[np.intp], Placements]:
    """Return the nearest pairs either way, (k, 2), and the placement of the crop in which they were nearest."""
    boxes = windows()
    whole_first, whole_second = (next(_crops(s, [(0.0, 1.0, 0.0, 1.0)])) for s in (first, second))
    pairs, placements = [], []
    for start in range(0, len(first), chunk):
        rows = slice(start, start + chunk)
        best = whole_first[rows] @ whole_second.T
        box = np.zeros(best.shape, dtype=np.int16)
        crops = zip(_crops(first[rows], boxes), _crops(second, boxes), strict=True)
        for number, (of_first, of_second) in enumerate(crops, 1):
            for sign, score in ((1, whole_first[rows] @ of_second.T), (-1, of_first @ whole_second.T)):
                better = score > best
                np.copyto(best, score, where=better)
                np.copyto(box, np.int16(sign * number), where=better)
        if same:
            best[np.arange(start, start + len(best))[:, None] >= np.arange(len(second))[None, :]] = -2
        found = _nearest(best, candidates)
        pairs.append(found + np.array([start, 0]))
        placements.append(_placements(box[found[:, 0], found[:, 1]], boxes))
    return np.concatenate(pairs), np.concatenate(placements)


def _nearest(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Return the positions, (m, 2) sorted, of the k best of each row and of each column."""
    chosen = np.zeros(scores.shape, dtype=bool)
    for axis in (0, 1):
        most = min(k, scores.shape[axis])
        nearest = np.argpartition(-scores, most - 1, axis=axis).take(np.arange(most), axis=axis)
        np.put_along_axis(chosen, nearest, True, axis=axis)
    return np.argwhere(chosen & (scores > 0))


def _placements(box: NDArray[np.int16], boxes: list[tuple[float, float, float, float]]) -> Placements:
    """Return the placements (n, 4) of crops of the second (positive number) or of the first (negative)."""
    table = np.array([(0.0, 1.0, 0.0, 1.0), *boxes])[np.abs(box)]
    low, high = table[:, [0, 2]], table[:, [1, 3]]
    scale, shift = high - low, high + low - 1
    inverse = (box < 0)[:, None]
    scale, shift = np.where(inverse, 1 / scale, scale), np.where(inverse, -shift / scale, shift)
    return np.stack([scale[:, 0], shift[:, 0], scale[:, 1], shift[:, 1]], axis=1).astype(np.float32)
