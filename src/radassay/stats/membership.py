"""Membership inference: how surely scores tell the images that a generator learnt from, above all at few false alarms.

An attack scores every real image; those of training are members, those held out are not. Its area under the ROC curve
says how well it does on the whole, its true positive rate at a low false positive rate whether it is sure of a few
(Carlini et al., Membership inference attacks from first principles, IEEE S&P 2022, section IV).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import beta, binom

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rate:
    """The share of members above the score that few others exceed."""

    value: float
    low: float
    high: float
    rate: float
    """Share of the others that exceed it, in expectation."""


def calibrated(to_generated: Array, to_real: Array) -> Array:
    """Return log(distance to real images / distance to the nearest generated one), (n,): high for members of a leak.

    What is near to everything is near to generated images too; the distance to other real images, which every image
    has whether it was trained on or not, takes that out (Chen et al., GAN-Leaks, CCS 2020, section 5.4, who use a
    second generator for it).

    Args:
        to_generated: (n,) distance of each real image to the nearest generated image.
        to_real: (n,) its typical distance to the nearest real images of other patients.
    """
    scale = float(np.median(to_real))
    floor = 1e-3 * scale if scale > 0 else 1.0
    return np.asarray(np.log((to_real + floor) / (to_generated + floor)))


def lowest_rate(others: int) -> float:
    """Return the lowest false positive rate that so many others can set: one more would exceed the highest of them."""
    return 1.0 / (others + 1)


def rate_at(members: Array, others: Array, wanted: float, level: float = 0.95) -> Rate:
    """Return the true positive rate at a false positive rate.

    The k-th highest of m others is exceeded by a further one with probability k / (m + 1); between two ranks the rate
    is interpolated, so that members like the others are found at exactly the wanted rate on average.

    The interval takes in that the threshold is estimated. How many of m others lie above the true threshold is
    binomial, whatever the distribution; given that k do, the threshold lies between the k-th and the (k+1)-th highest,
    and the rate between the shares of members above these, whose exact limits are those of Clopper and Pearson (1934).
    The limits are the quantiles of the mixture over k. With fewer than log(0.025) / log(1 - wanted) others (367 at
    1 %), no other may lie above the threshold, and the lower limit is 0.
    Such limits hold the truth more often than stated.

    Args:
        members: (n,) independent scores, high means member.
        others: (m,) independent scores.
        wanted: the false positive rate, at least `lowest_rate(m)`.
        level: nominal coverage.

    Raises:
        ValueError: a side is empty, or the others are too few for that rate.
    """
    n, m = len(members), len(others)
    if min(n, m) < 1 or wanted * (m + 1) < 1 - 1e-9:
        raise ValueError(f"{m} others cannot set a rate of {wanted}")
    ordered = np.sort(others)[::-1]
    above = np.array([0, *(np.count_nonzero(members > score) for score in ordered), n])
    place = min(wanted * (m + 1), m)
    rank = math.floor(place + 1e-9)
    part = max(0.0, place - rank)
    value = float((1 - part) * above[rank] + part * above[min(rank + 1, m)]) / n
    ranks = np.arange(m + 1)
    weight = binom.pmf(ranks, m, wanted)
    kept = weight > 1e-12
    weight = weight[kept] / weight[kept].sum()
    fewest, most = above[ranks[kept]], above[ranks[kept] + 1]
    tail = (1 - level) / 2
    low = _quantile(tail, weight, fewest, n - fewest + 1)
    high = _quantile(1 - tail, weight, most + 1, n - most)
    return Rate(value, min(low, value), max(high, value), wanted)


def _quantile(probability: float, weight: Array, a: NDArray[np.integer], b: NDArray[np.integer]) -> float:
    """Return the quantile of a mixture of beta distributions; a of 0 is a mass at 0, b of 0 one at 1."""
    at_zero = float(weight[a == 0].sum())
    at_one = float(weight[b == 0].sum())
    if probability <= at_zero:
        return 0.0
    if probability >= 1 - at_one:
        return 1.0
    inner = (a > 0) & (b > 0)
    parts = beta(a[inner], b[inner])

    def beyond(x: float) -> float:
        return at_zero + float(weight[inner] @ parts.cdf(x)) - probability

    return float(brentq(beyond, 0.0, 1.0, xtol=1e-6))
