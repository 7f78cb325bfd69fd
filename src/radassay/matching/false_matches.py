"""How many pairs that only look alike would pass for the same radiograph, judged by the images at hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

FEWEST, MOST = 10, 50
"""Scores of other pairs, the highest, that the tail is fitted to."""
ALLOWED = 0.5
"""False matches to be expected at most; the threshold rises until it is so."""
HIGHEST = 0.9
"""No threshold is higher: exact copies must pass."""


@dataclass(frozen=True)
class FalseMatches:
    """An estimate of how many pairs reach the threshold though they are different radiographs."""

    expected: float
    """Pairs, of all that were compared."""
    high: float
    """Upper 95 % limit."""
    used: int
    """Scores that the estimate rests on."""
    assumes: str = (
        "the highest scores of pairs below the threshold, all of them taken to be different radiographs, fall off "
        "exponentially, and go on so above it"
    )


def false_matches(others: NDArray[np.float64], threshold: float) -> FalseMatches | None:
    """Return how many of many other pairs would reach a threshold, or None where fewer than `FEWEST` have a score.

    Excesses over a high score are taken to be exponential (peaks over threshold: Davison & Smith, J R Stat Soc B
    1990;52:393, with shape 0); scores end at 1, so that the true tail is rather shorter. Copies that were missed count
    among the other pairs and make the estimate larger. The limit covers chance in the fit, not a wrong assumption.

    Args:
        others: scores of pairs that are taken to be different radiographs.
        threshold: score that counts as a match.
    """
    tail = _tail(others)
    if tail is None:
        return None
    start, excess, k = tail
    above = max(threshold - start, 0.0)
    most = 2 * k * excess / float(chi2.ppf(0.05, 2 * k))
    return FalseMatches(k * math.exp(-above / excess), k * math.exp(-above / most), k)


def raised(scores: NDArray[np.float64], threshold: float) -> float:
    """Return the threshold, or a higher one from which fewer than `ALLOWED` false matches are to be expected."""
    tail = _tail(scores[scores < threshold])
    if tail is None:
        return threshold
    start, excess, k = tail
    return min(max(threshold, start + excess * math.log(k / ALLOWED)), HIGHEST)


def clear_of(others: NDArray[np.float64], times: float = 1.0) -> float:
    """Return the score that fewer than `ALLOWED` of `times` as many further pairs of different radiographs reach.

    For scores of a few pairs chosen as alike, many of which are 0; those above 0 are taken to fall off exponentially,
    as in `false_matches`. With fewer than five of them the answer is the highest.

    Args:
        others: scores of pairs of different radiographs.
        times: pairs to be judged, over those that scores are given of.
    """
    ordered = np.sort(others[others > 0])[::-1]
    k = min(len(ordered) - 1, MOST, max(FEWEST, len(ordered) // 4))
    if k < 4:
        return float(ordered.max(initial=0.0))
    start = float(ordered[k])
    excess = float((ordered[:k] - start).mean())
    return max(start + excess * math.log(max(1.0, k * times / ALLOWED)), float(ordered[0]))


def _tail(scores: NDArray[np.float64]) -> tuple[float, float, int] | None:
    """Return where the tail begins, its mean excess, and the number of scores in it."""
    ordered = np.sort(scores)[::-1]
    k = min(MOST, len(ordered) // 4)
    if k < FEWEST:
        return None
    start = float(ordered[k])
    return start, max(float((ordered[:k] - start).mean()), 1e-6), k
