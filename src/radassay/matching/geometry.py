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
FOLLOWED = 4
"""Placements, the best, that are widened."""
STRONGEST = 150
"""Keypoints of each picture that are matched first, to give up most pairs at once."""
PROMISING = 7.0
"""Votes that the strongest keypoints must give a placement: half of the least in any of 563 true pairs."""
HOPELESS = 0.25
"""Score that the strongest keypoints must let a pair hope for, all others to be matched: again half of the least seen.

One in thirty of other likely pairs passes.
"""
RIDGE = 1e-8
"""Variance in square pixels that keeps a fit to points on a line finite."""
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

    @property
    def hope(self) -> float:
        """Return the score of the pair if its detail agrees fully: how rigidly keypoints agree, and how many."""
        return float(np.sqrt(self.tight) * (1 - np.exp(-max(self.inliers - 4, 0) / 12)))


def fit(first: Keypoints, second: Keypoints, change: Change) -> Fit | None:
    """Return the affine map that lays most matched keypoints on each other, or None where hardly any agree.

    Upright keypoints of known size give a placement from a single match, so that every match can be tried and nothing
    is left to chance (Philbin et al., CVPR 2007, section 4); the best few are widened to an affine map by least
    squares. Pictures whose strongest keypoints already lie differently are given up at once.
    """
    few, many = sorted((len(first), len(second)))
    if few < FEWEST:
        return None
    if few >= STRONGEST < many:
        quick = _fitted(_matched(first, second, change, STRONGEST), change, PROMISING)
        if quick is None or quick.hope < HOPELESS:
            return None
    return _fitted(_matched(first, second, change), change)


def _fitted(pairs: _Pairs, change: Change, least: float = 0.0) -> Fit | None:
    """Return the map that most pairs of keypoints agree on, or None where no placement has so many votes."""
    votes, agree = _placements(pairs)
    best = np.argsort(-votes, kind="stable")[:FOLLOWED]
    widened = _widened(pairs, agree[best]) if votes.max(initial=0.0) >= least else None
    if widened is None:
        return None
    matrix, near = widened
    off = _length(pairs.p @ matrix[:, :2].T + matrix[:, 2] - pairs.q) / max(1.0, plausible(matrix))
    tight = float((off < TIGHT).sum() / max(1, (off < LOOSE).sum()))
    linear = matrix[:, :2] @ change.linear
    return Fit(np.column_stack([linear, matrix[:, 2]]), pairs.rows[near], pairs.columns[near], tight)


@dataclass(frozen=True)
class _Pairs:
    """Keypoints of two pictures that look alike, the surest first."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    p: Points
    """(k, 2) places in the first picture, changed."""
    q: Points
    growth: Points
    """(k,) logarithm of the second's size over the first's."""


def _matched(first: Keypoints, second: Keypoints, change: Change, most: int | None = None) -> _Pairs:
    rows, columns = _matches(root(first.descriptors[:most])[:, change.order], root(second.descriptors[:most]))
    p = first.places[rows].astype(np.float64) @ change.linear.T
    growth = np.log(second.sizes[columns].astype(np.float64) / first.sizes[rows])
    return _Pairs(rows, columns, p, second.places[columns].astype(np.float64), growth)


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


def _placements(pairs: _Pairs) -> tuple[Points, NDArray[np.bool_]]:
    """Return how much speaks for the placement of each of the surest matches, and (t, k) what agrees with it."""
    p, q, growth = pairs.p, pairs.q, pairs.growth
    tried = slice(0, TRIED)
    scale = np.exp(growth[tried])[:, None]
    apart = p[None] - p[tried][:, None]
    off = _length(scale[..., None] * apart - (q[None] - q[tried][:, None]))
    far = _length(apart)
    # A placement from one match knows no turn and no stretch, so that what lies far from it may be off by more.
    agree = (off < 6 + 0.25 * far * scale) & (np.abs(growth[None] - growth[tried][:, None]) < 0.5)
    return (agree / (1 + far / 60)).sum(axis=1), agree


def _widened(pairs: _Pairs, near: NDArray[np.bool_]) -> tuple[Points, NDArray[np.bool_]] | None:
    """Return the affine map (2, 3) on which most matches agree in the end, and which those are.

    Args:
        pairs: the matches.
        near: (t, k) those that agree with each of some placements; maps are fitted to ever nearer ones.
    """
    for distance in NARROWING:
        near = near[near.sum(axis=1) >= FEWEST]
        matrices = _least_squares(pairs.p, pairs.q, near)
        scales = np.array([plausible(matrix) for matrix in matrices])
        matrices, scales = matrices[scales > 0], scales[scales > 0]
        if not len(matrices):
            return None
        laid = pairs.p @ matrices[:, :, :2].swapaxes(1, 2) + matrices[:, None, :, 2]
        alike = np.abs(pairs.growth - np.log(scales)[:, None]) < 0.5
        near = (_length(laid - pairs.q) < distance * np.maximum(1.0, scales)[:, None]) & alike
    best = int(near.sum(axis=1).argmax())
    return (matrices[best], near[best]) if near[best].sum() >= FEWEST else None


def _least_squares(p: Points, q: Points, near: NDArray[np.bool_]) -> Points:
    """Return affine maps (t, 2, 3) of points p onto q, one for each row of near; of points on a line, ones near it."""
    weights = near / np.maximum(near.sum(axis=1, keepdims=True), 1)
    both = np.column_stack([p, q])
    middle = both.mean(axis=0)
    both = both - middle
    means = weights @ both
    # Sums of products of all columns, for all maps by one product of matrices.
    products = (both[:, :2, None] * both[:, None, :]).reshape(len(both), 8)
    moments = (weights @ products).reshape(-1, 2, 4) - means[:, :2, None] * means[:, None, :]
    a, b, d = moments[:, 0, 0] + RIDGE, moments[:, 0, 1], moments[:, 1, 1] + RIDGE
    inverse = np.array([[d, -b], [-b, a]]).transpose(2, 0, 1) / (a * d - b * b)[:, None, None]
    linear = (inverse @ moments[:, :, 2:]).swapaxes(1, 2)
    shift = means[:, 2:] + middle[2:] - (linear @ (means[:, :2] + middle[:2])[:, :, None])[:, :, 0]
    return np.concatenate([linear, shift[:, :, None]], axis=2)


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
