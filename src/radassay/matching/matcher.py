"""Find image files that show the same radiograph, whatever happened to them on the way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radassay.matching.codebook import Codebook
from radassay.matching.described import Described, Image, Read, Report, describe, silent
from radassay.matching.false_matches import FalseMatches, false_matches, raised
from radassay.matching.geometry import Fit, fit
from radassay.matching.keypoints import CHANGES, Change
from radassay.matching.overlay import overlay
from radassay.matching.sharing import shared
from radassay.matching.shortlist import Shortlist, shortlist

__all__ = [
    "THRESHOLD",
    "Described",
    "FalseMatches",
    "Matches",
    "Read",
    "Report",
    "describe",
    "false_matches",
    "match",
    "matched_points",
    "silent",
    "verify",
]

CANDIDATES = 6
"""Nearest images that are looked at more closely, for each image."""
THRESHOLD = 0.78
"""Score from which two images are the same radiograph.

On public sets, files of one film reach 0.85 and more; films of one patient on different days at most 0.72, slices of
one CT next to each other at most 0.70.
"""
BELOW = 200
"""Pairs kept below the threshold, the best."""
WORTH = 0.3
"""Score that a pair must still be able to reach for its pictures to be laid over each other."""
CHUNK = 64


@dataclass(frozen=True)
class Matches:
    """Pairs of images that may show the same radiograph, best first."""

    pairs: NDArray[np.intp]
    """(m, 2) positions in the first and the second set; within one set the smaller first."""
    scores: NDArray[np.float64]
    """(m,) in [0, 1], higher is surer, comparable over pairs and sets."""
    verified: NDArray[np.bool_]
    """(m,) whether the score reaches `threshold`."""
    transforms: NDArray[np.float64]
    """(m, 2, 3) affine maps from x, y of the first picture in native pixels to x, y of the second."""
    mirrored: NDArray[np.bool_]
    inverted: NDArray[np.bool_]
    turns: NDArray[np.intp]
    """(m,) quarter turns anticlockwise of the first picture, after mirroring."""
    inliers: NDArray[np.intp]
    """(m,) keypoints that the map lays on each other."""
    correlations: NDArray[np.float64]
    """(m,) of fine detail, the one picture laid over the other."""
    compared: int
    """Pairs of images there were."""
    threshold: float
    """The score from which pairs count as the same; `THRESHOLD`, or more where other pairs come near it."""
    false: FalseMatches | None
    """How many of the verified pairs may be false; None where too few other pairs have anything in common."""


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
    listed = shortlist(first, second, codebook, candidates, processes)
    rows: list[Row] = []
    other, done = first if second is None else second, 0
    for found, looked in shared(partial(_verified, first, other), _chunks(listed), processes):
        rows += found
        done += looked
        report(done, len(listed.pairs), "pairs compared")
    return _matches(rows, compared)


UPRIGHT = (CHANGES[0], Change(mirrored=True))
"""Changes that a generator that copies may make: none, or a mirror image."""


def verify(
    first: Described, second: Described, pairs: NDArray[np.integer[Any]], changes: tuple[Change, ...] = UPRIGHT
) -> NDArray[np.float64]:
    """Return the scores, (m,), of pairs that something else has found suspicious; 0 where nothing agrees.

    Args:
        first: images.
        second: others.
        pairs: (m, 2) positions in the first and the second.
        changes: those of the first picture that are tried; the best score counts.
    """
    cv2.setNumThreads(1)
    out = np.zeros(len(pairs))
    for number, (i, j) in enumerate(np.asarray(pairs).tolist()):
        a, b = first.image(i), second.image(j)
        rows = [_looked_at((i, j), a, b, change) for change in changes]
        out[number] = max((row.score for row in rows if row is not None), default=0.0)
    return out


@dataclass(frozen=True)
class Row:
    """One pair whose keypoints and detail have something in common."""

    pair: tuple[int, int]
    score: float
    """Of three witnesses: fine detail, rigid agreement of keypoints, and how many they are."""
    transform: NDArray[np.float64]
    change: Change
    inliers: int
    correlation: float


def _chunks(listed: Shortlist) -> list[Shortlist]:
    starts = range(0, len(listed.pairs), CHUNK)
    return [Shortlist(listed.pairs[s : s + CHUNK], listed.changes[s : s + CHUNK]) for s in starts]


def _verified(first: Described, second: Described, listed: Shortlist) -> tuple[list[Row], int]:
    """Return those pairs of a shortlist that have anything in common, and how many were looked at."""
    cv2.setNumThreads(1)
    out, number, a = [], -1, None
    for (i, j), change in zip(listed.pairs.tolist(), listed.changes.tolist(), strict=True):
        if i != number:
            number, a = i, first.image(i)
        assert a is not None
        row = _looked_at((i, j), a, second.image(j), CHANGES[change])
        if row is not None:
            out.append(row)
    return out, len(listed.pairs)


def _looked_at(pair: tuple[int, int], a: Image, b: Image, change: Change) -> Row | None:
    found = fit(a.keypoints, b.keypoints, change)
    if found is None or found.hope < WORTH:
        return None
    onto = b.to_detail @ _square(found.matrix) @ np.linalg.inv(a.to_detail)
    laid = overlay(a.detail, b.detail, onto[:2], change.inverted)
    score = found.hope * float(np.sqrt(max(laid.correlation, 0.0)))
    if score <= 0:
        return None
    matrix = np.linalg.inv(b.to_detail) @ _square(laid.matrix) @ a.to_detail
    native = b.to_native @ matrix @ np.linalg.inv(a.to_native)
    return Row(pair, score, native[:2], change, found.inliers, laid.correlation)


def _square(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])


def _matches(rows: list[Row], compared: int) -> Matches:
    """Return the pairs above the threshold and the best below it, best first."""
    ranked, met = [], set()
    for row in sorted(rows, key=lambda r: (-r.score, r.pair)):
        if row.pair not in met:
            met.add(row.pair)
            ranked.append(row)
    scores = np.array([r.score for r in ranked], dtype=np.float64)
    threshold = raised(scores, THRESHOLD)
    above = int((scores >= threshold).sum())
    kept = ranked[: above + BELOW]
    return Matches(
        np.array([r.pair for r in kept], dtype=np.intp).reshape(-1, 2),
        scores[: len(kept)],
        np.arange(len(kept)) < above,
        np.array([r.transform for r in kept], dtype=np.float64).reshape(-1, 2, 3),
        np.array([r.change.mirrored for r in kept], dtype=bool),
        np.array([r.change.inverted for r in kept], dtype=bool),
        np.array([r.change.turns for r in kept], dtype=np.intp),
        np.array([r.inliers for r in kept], dtype=np.intp),
        np.array([r.correlation for r in kept], dtype=np.float64),
        compared,
        threshold,
        false_matches(scores[above:], threshold),
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
