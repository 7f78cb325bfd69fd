"""Are generated images closer to the training images than fresh real ones: scores, an exact test, a share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from radassay.stats.manifold import BLOCK_CELLS, squared_distances

Array = NDArray[np.float64]
Index = NDArray[np.intp]

BACKGROUND = 10
"""Further patients whose median distance says what is near by chance."""
SHARES = (0.0, 0.01, 0.05)
"""Shares of the held-out images below which generated ones are counted; 0 stands for the nearest one alone."""
ALPHA = 0.05
"""Probability below which an excess decides at which rank the share is estimated."""


@dataclass(frozen=True)
class Nearness:
    """How near each image lies to its nearest training image; arrays of length n."""

    distance: Array
    """Distance to the nearest training image."""
    row: Index
    """Row of that training image."""
    closeness: Array
    """log(distance / background), far below 0 for a copy; a blurred image is near to everything and is not."""
    background: Array
    """Median distance to the next nearest patients."""


@dataclass(frozen=True)
class Excess:
    """How many generated images are nearer than fresh real ones would be."""

    share: float
    """Estimated share of copies, not below 0."""
    low: float
    """Limits of the share; those of no knowledge, 0 and 1, where none were asked for."""
    high: float
    p: float
    """Probability of such an excess or a larger one when there is no copy."""
    found: int
    """Generated images below the threshold."""
    expected: float
    """How many would be there without copies."""
    threshold: float
    order: int
    """The threshold is the score of the held-out image of this rank."""


def nearness(x: Array, training: Array, codes: Index, own: Index | None = None) -> Nearness:
    """Return how near each row lies to the training rows, against its next nearest patients.

    The background of a row is its median distance to the 2nd to 11th nearest patient (Carlini 2023, section 5.1, who
    take the mean of the nearest 50 images): what is near to one patient alone is a copy, what is near to all is not.

    Args:
        x: (n, d) rows.
        training: (m, d) rows.
        codes: (m,) patient of each training row, 0 to P-1.
        own: (n,) patient of each row of x, which is passed over; for training rows against each other.

    Raises:
        ValueError: fewer than three patients to search.
    """
    n_patients = int(codes.max(initial=-1)) + 1
    if n_patients - (own is not None) < 3:
        raise ValueError("nearness needs three training patients")
    order = np.argsort(codes, kind="stable")
    among, starts = training[order], np.searchsorted(codes[order], np.arange(n_patients))
    last = min(BACKGROUND + 1, n_patients - (own is not None))
    distance, row, background = np.empty(len(x)), np.empty(len(x), dtype=np.intp), np.empty(len(x))
    step = max(1, BLOCK_CELLS // len(among))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        block = squared_distances(x[rows], among)
        if own is not None:
            block[own[rows, None] == codes[order][None, :]] = np.inf
        row[rows] = order[np.argmin(block, axis=1)]
        of_patient = np.sqrt(np.minimum.reduceat(block, starts, axis=1))
        near = np.partition(of_patient, last - 1, axis=1)[:, :last]
        near.sort(axis=1)
        distance[rows], background[rows] = near[:, 0], np.median(near[:, 1:], axis=1)
    scale = float(np.median(background))
    floor = 1e-3 * scale if scale > 0 else 1.0
    return Nearness(distance, row, np.log((distance + floor) / (background + floor)), background)


def excess_p(found: int, order: int, n_held_out: int, n_synthetic: int) -> float:
    """Return P(at least `found` generated images below the held-out image of rank `order`) without copies.

    If generated and held-out images are exchangeable, the count is negative hypergeometric whatever the distribution:
    the event says that the first found + order - 1 of all images in order hold fewer than `order` held-out ones.
    """
    if found <= 0:
        return 1.0
    total = n_held_out + n_synthetic
    return float(stats.hypergeom.cdf(order - 1, total, n_held_out, found + order - 1))


def excess(held_out: Array, synthetic: Array, level: float | None = 0.95) -> Excess:
    """Return the excess of generated images with low scores over held-out real ones.

    Thresholds are the held-out scores of a few ranks (`SHARES`). The smallest probability is reported, corrected for
    the choice (Bonferroni), and the share at its rank if it is significant, else at the lowest rank, where it scatters
    least. High ranks find copies even where some held-out images have a double in training. A share π of copies below
    the threshold t gives F_synthetic(t) = π + (1-π) F(t), hence the estimate. The limits are the π at which the count
    found would just be too large or too small for the same exact test; the ranks' intervals hold simultaneously
    (Bonferroni), so their intersection is taken. No distribution is assumed.

    Args:
        held_out: (m,) scores of independent real images (one a patient), low is near.
        synthetic: (n,) scores of the generated images.
        level: nominal coverage; None leaves the limits out.

    Raises:
        ValueError: a side is empty.
    """
    m, n = len(held_out), len(synthetic)
    if min(m, n) < 1:
        raise ValueError("no scores to compare")
    ordered = np.sort(held_out)
    orders = sorted({max(1, round(share * m)) for share in SHARES})
    tries = []
    for order in orders:
        found = int(np.count_nonzero(synthetic < ordered[order - 1]))
        tries.append((excess_p(found, order, m, n), order, found))
    p, order, found = min(tries)
    if len(orders) * p > ALPHA:
        _, order, found = tries[0]
    expected = order / (m + 1)
    low, high = 0.0, 1.0
    for _, rank, count in tries if level is not None else ():
        lower, upper = _limits(count, rank, m, n, (1 - (level or 0.0)) / 2 / len(orders))
        low, high = max(low, lower), min(high, upper)
    share = float(np.clip((found / n - expected) / (1 - expected), 0.0, 1.0))
    if level is not None and found < n:
        # A generator may stay farther from its training images than other patients do. All that were found may then
        # be copies, so the limit is never below that of their plain share (Clopper and Pearson 1934).
        high = max(high, float(stats.beta.ppf((1 + level) / 2, found + 1, n - found)))
    return Excess(
        share=share,
        low=min(low, share),
        high=max(high, share),
        p=min(1.0, len(orders) * p),
        found=found,
        expected=n * expected,
        threshold=float(ordered[order - 1]),
        order=order,
    )


def _at_least(found: int, order: int, n_held_out: int, n_synthetic: int, share: float) -> float:
    """Return P(at least `found` below the threshold) when a share of the generated images are copies."""
    copies = np.arange(n_synthetic + 1)
    weight = stats.binom.pmf(copies, n_synthetic, share)
    copies, weight = copies[weight > 1e-12], weight[weight > 1e-12]
    others = np.maximum(found - copies, 0)
    total = n_held_out + n_synthetic - copies
    tail = np.where(others == 0, 1.0, stats.hypergeom.cdf(order - 1, total, n_held_out, others + order - 1))
    return float(weight @ np.nan_to_num(tail))


def _limits(found: int, order: int, n_held_out: int, n_synthetic: int, tail: float) -> tuple[float, float]:
    """Return the shares at which the count would just be too large, and too small, by bisection."""
    sizes = (order, n_held_out, n_synthetic)

    def bisect(too_low: Callable[[float], bool]) -> float:
        low, high = 0.0, 1.0
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if too_low(middle) else (low, middle)
        return (low + high) / 2

    lower = 0.0
    if excess_p(found, *sizes) <= tail:
        lower = bisect(lambda share: _at_least(found, *sizes, share) <= tail)
    return lower, bisect(lambda share: 1.0 - _at_least(found + 1, *sizes, share) > tail)
