"""Find image files that show the same radiograph, whatever happened to them on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radassay.engine.processes import processes as pool_of
from radassay.matching.described import Described, Image, Read, Report, describe, silent
from radassay.matching.geometry import Fit, fit
from radassay.matching.keypoints import CHANGES, Change
from radassay.matching.overlay import overlay
from radassay.matching.shortlist import Codebook, Shortlist, shortlist

__all__ = ["THRESHOLD", "Described", "Matches", "Read", "Report", "describe", "match", "matched_points", "silent"]

CANDIDATES = 8
"""Nearest images that are looked at more closely, for each image."""
THRESHOLD = 0.78
"""Score from which two images are the same radiograph."""
BELOW = 200
"""Pairs kept below the threshold, the best."""
WORTH = 10
"""Inliers from which pictures are laid over each other."""
CHUNK = 64


@dataclass(frozen=True)
class Matches:
    """Pairs of images that may show the same radiograph, best first."""

    pairs: NDArray[np.intp]
    """(m, 2) positions in the first and the second set; within one set the smaller first."""
    scores: NDArray[np.float64]
    """(m,) in [0, 1], higher is surer, comparable over pairs and sets."""
    verified: NDArray[np.bool_]
    """(m,) whether the score reaches the threshold."""
    transforms: NDArray[np.float64]
    """(m, 2, 3) affine maps from x, y of the first picture in native pixels to x, y of the second."""
    mirrored: NDArray[np.bool_]
    inverted: NDArray[np.bool_]
    inliers: NDArray[np.intp]
    """(m,) keypoints that the map lays on each other."""
    correlations: NDArray[np.float64]
    """(m,) of fine detail, the one picture laid over the other."""
    compared: int
    """Pairs of images there were."""
    threshold: float = THRESHOLD


def match(
    first: Described,
    second: Described | None = None,
    *,
    candidates: int = CANDIDATES,
    rng: np.random.Generator,
    processes: int = 1,
    report: Report = silent,
) -> Matches:
    """Return the pairs of two sets, or within one, that show the same radiograph, and the likeliest of the others.

    A shortlist of each image's nearest few, either way, is verified by geometry (`geometry.fit`) and by laying one
    picture over the other (`overlay.overlay`).

    Args:
        first: images.
        second: others; None compares the first among themselves, each pair once.
        candidates: nearest images that are looked at more closely, for each image.
        rng: chooses the images that the codebook of the shortlist is learnt from.
        processes: how many share the work; the result is the same.
        report: told how many pairs were looked at.
    """
    n, m = len(first), len(first if second is None else second)
    compared = n * (n - 1) // 2 if second is None else n * m
    codebook = Codebook.learn([first] if second is None else [first, second], rng) if compared else None
    if codebook is None:
        return _matches([], compared)
    listed = shortlist(first, second, codebook, candidates)
    rows: list[Row] = []
    other = first if second is None else second
    for found in _shared(partial(_verified, first, other), _chunks(listed), processes):
        rows += found
        report(len(rows), len(listed.pairs), "pairs compared")
    return _matches(rows, compared)


@dataclass(frozen=True)
class Row:
    """One pair looked at."""

    pair: tuple[int, int]
    score: float = 0.0
    transform: Any = None
    change: Change = CHANGES[0]
    inliers: int = 0
    correlation: float = 0.0


def _chunks(listed: Shortlist) -> list[Shortlist]:
    starts = range(0, len(listed.pairs), CHUNK)
    return [Shortlist(listed.pairs[s : s + CHUNK], listed.changes[s : s + CHUNK]) for s in starts]


def _shared(work: Any, parts: list[Any], processes: int) -> Iterator[Any]:
    if processes <= 1 or len(parts) < 2:
        yield from map(work, parts)
        return
    with pool_of(processes) as pool:
        for start in range(0, len(parts), 4 * processes):
            yield from pool.map(work, parts[start : start + 4 * processes])


def _verified(first: Described, second: Described, listed: Shortlist) -> list[Row]:
    """Return what becomes of the pairs of a shortlist."""
    cv2.setNumThreads(1)
    out, number, a = [], -1, None
    for (i, j), change in zip(listed.pairs.tolist(), listed.changes.tolist(), strict=True):
        if i != number:
            number, a = i, first.image(i)
        assert a is not None
        out.append(_looked_at((i, j), a, second.image(j), CHANGES[change]))
    return out


def _looked_at(pair: tuple[int, int], a: Image, b: Image, change: Change) -> Row:
    found = fit(a.keypoints, b.keypoints, change)
    if found is None:
        return Row(pair, change=change)
    inliers = found.inliers
    correlation, matrix = 0.0, _square(found.matrix)
    if inliers >= WORTH:
        onto = b.to_detail @ matrix @ np.linalg.inv(a.to_detail)
        laid = overlay(a.detail, b.detail, onto[:2], change.inverted)
        correlation = laid.correlation
        matrix = np.linalg.inv(b.to_detail) @ _square(laid.matrix) @ a.to_detail
    native = b.to_native @ matrix @ np.linalg.inv(a.to_native)
    return Row(pair, _score(found, correlation), native[:2], change, inliers, correlation)


def _score(found: Fit, correlation: float) -> float:
    """Return one score of three witnesses: fine detail, rigid agreement of keypoints, and how many they are."""
    enough = 1 - np.exp(-max(found.inliers - 4, 0) / 12)
    return float(np.sqrt(max(correlation, 0.0) * found.tight) * enough)


def _square(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])


def _matches(rows: list[Row], compared: int) -> Matches:
    """Return the pairs above the threshold and the best below it, best first."""
    ranked = sorted((r for r in rows if r.transform is not None), key=lambda r: (-r.score, r.pair))
    above = sum(r.score >= THRESHOLD for r in ranked)
    kept = ranked[: above + BELOW]
    return Matches(
        np.array([r.pair for r in kept], dtype=np.intp).reshape(-1, 2),
        np.array([r.score for r in kept], dtype=np.float64),
        np.arange(len(kept)) < above,
        np.array([r.transform for r in kept], dtype=np.float64).reshape(-1, 2, 3),
        np.array([r.change.mirrored for r in kept], dtype=bool),
        np.array([r.change.inverted for r in kept], dtype=bool),
        np.array([r.inliers for r in kept], dtype=np.intp),
        np.array([r.correlation for r in kept], dtype=np.float64),
        compared,
    )


def matched_points(
    first: Described, i: int, second: Described, j: int, most: int = 40
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the keypoints of two images that show the same place, (k, 2) each: x and y in native pixels.

    Args:
        first: images, of which `i` is one.
        second: images, of which `j` is one.
        most: points returned, the surest.
    """
    a, b = first.image(i), second.image(j)
    fits = [found for change in CHANGES if (found := fit(a.keypoints, b.keypoints, change)) is not None]
    best: Fit | None = max(fits, key=lambda f: f.inliers, default=None)
    if best is None:
        return np.empty((0, 2)), np.empty((0, 2))
    places_a, places_b = a.keypoints.places[best.first[:most]], b.keypoints.places[best.second[:most]]
    return a.native(places_a), b.native(places_b)
