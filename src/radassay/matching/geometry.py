"""Do the keypoints of two pictures lie alike? The affine map that brings most of them onto each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radassay.matching.keypoints import Change, Keypoints, root

RATIO = 0.92
"""Largest distance of the nearest descriptor, as a share of that of the second nearest (Lowe 2004, section 7.1)."""
TRIED = 64
"""Matches, the surest, each of which is tried as the one that places the picture."""
NARROWING = (14.0, 9.0, 6.0, 4.0, 3.0)
"""Distances in pixels of the ready picture within which points count as laid on each other, fit by fit."""
TIGHT, LOOSE = 1.0, 6.0
"""Distances in pixels of the coarser picture: that of a copy, and that of the same anatomy on another day."""
STRETCH = 2.2
"""Largest ratio of the scales along two directions."""
ZOOM = (0.2, 5.0)
"""Smallest and largest scale."""
FEWEST = 8
"""Matches that must agree on a placement for it to be followed up."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """An affine map of one picture onto another."""

    matrix: Points
    """(2, 3) from places of the first ready picture to the second's."""
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    """(k,) each: keypoints that the map lays on each other, the surest match first."""
    tight: float
    """Of the matches within 6 pixels, the share within 1: high where pictures are rigidly the same."""

    @property
    def inliers(self) -> int:
        """Return how many they are."""
        return len(self.first)


def fit(first: Keypoints, second: Keypoints, change: Change) -> Fit | None:
    """Return the affine map that lays most matched keypoints on each other, or None where hardly any agree.

    Upright keypoints of known size give a placement from a single match, so that every match can be tried and nothing
    is left to chance (Philbin et al., CVPR 2007, section 4); the best few are widened to an affine map by least
    squares.
    """
    if min(len(first), len(second)) < FEWEST:
        return None
    rows, columns = _matches(root(first.descriptors)[:, change.order], root(second.descriptors))
    if len(rows) < FEWEST:
        return None
    linear = change.linear
    p = first.places[rows].astype(np.float64) @ linear.T
    q = second.places[columns].astype(np.float64)
    growth = np.log(second.sizes[columns].astype(np.float64) / first.sizes[rows])
    best: tuple[int, Points, NDArray[np.bool_]] | None = None
    for near in _placements(p, q, growth):
        found = _widened(p, q, growth, near)
        if found is not None and (best is None or found[1].sum() > best[0]):
            best = int(found[1].sum()), found[0], found[1]
    if best is None:
        return None
    _, matrix, near = best
    off = _length(p @ matrix[:, :2].T + matrix[:, 2] - q) / max(1.0, plausible(matrix))
    tight = float((off < TIGHT).sum() / max(1, (off < LOOSE).sum()))
    return Fit(np.column_stack([matrix[:, :2] @ linear, matrix[:, 2]]), rows[near], columns[near], tight)


def _matches(a: NDArray[np.float32], b: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the keypoints that are each other's nearest, and clearly so, the surest first."""
    likeness = a @ b.T
    rows = np.arange(len(a))
    nearest = likeness.argmax(axis=1)
    mutual = likeness.argmax(axis=0)[nearest] == rows
    most = likeness[rows, nearest]
    likeness[rows, nearest] = -1
    next_most = likeness.max(axis=1)
    ratio = np.sqrt(np.maximum(1 - most, 0) / np.maximum(1 - next_most, 1e-6))
    kept = np.flatnonzero(mutual & (ratio < RATIO))
    kept = kept[np.argsort(ratio[kept], kind="stable")]
    return kept, nearest[kept]


def _placements(p: Points, q: Points, growth: Points, most: int = 4) -> list[NDArray[np.bool_]]:
    """Return which matches agree with each of the best placements that single matches give."""
    tried = slice(0, TRIED)
    scale = np.exp(growth[tried])[:, None]
    apart = p[None] - p[tried][:, None]
    off = _length(scale[..., None] * apart - (q[None] - q[tried][:, None]))
    far = _length(apart)
    # A placement from one match knows no turn and no stretch, so that what lies far from it may be off by more.
    agree = (off < 6 + 0.25 * far * scale) & (np.abs(growth[None] - growth[tried][:, None]) < 0.5)
    votes = (agree / (1 + far / 60)).sum(axis=1)
    return [agree[i] for i in np.argsort(-votes, kind="stable")[:most] if agree[i].sum() >= FEWEST]


def _widened(p: Points, q: Points, growth: Points, near: NDArray[np.bool_]) -> tuple[Points, NDArray[np.bool_]] | None:
    """Return the affine map (2, 3) fitted to ever nearer matches, and those near in the end."""
    for distance in NARROWING:
        if near.sum() < FEWEST:
            return None
        matrix = _least_squares(p[near], q[near])
        scale = plausible(matrix)
        if not scale:
            return None
        off = _length(p @ matrix[:, :2].T + matrix[:, 2] - q)
        near = (off < distance * max(1.0, scale)) & (np.abs(growth - np.log(scale)) < 0.5)
    return (matrix, near) if near.sum() >= FEWEST else None


def _least_squares(p: Points, q: Points) -> Points:
    """Return the affine map (2, 3) of points p onto q; where p lies on a line, one that stays near it."""
    centre, onto = p.mean(axis=0), q.mean(axis=0)
    spread = p - centre
    linear = np.linalg.solve(spread.T @ spread + 1e-6 * np.eye(2), spread.T @ (q - onto)).T
    return np.column_stack([linear, onto - linear @ centre])


def _length(steps: Points) -> Points:
    return np.asarray(np.sqrt(np.einsum("...k,...k", steps, steps)))


def plausible(matrix: Points) -> float:
    """Return the scale of an affine map (2, 2 or 3), 0 where no handling of a picture makes such a map."""
    a, b, c, d = (float(v) for v in matrix[:, :2].reshape(-1))
    determinant = a * d - b * c
    if determinant <= 0:
        return 0.0
    half = (a * a + b * b + c * c + d * d) / 2
    away = math.sqrt(max(half * half - determinant * determinant, 0.0))
    large, small = math.sqrt(half + away), math.sqrt(max(half - away, 0.0))
    if small < ZOOM[0] or large > ZOOM[1] or large > STRETCH * small:
        return 0.0
    return math.sqrt(determinant)
