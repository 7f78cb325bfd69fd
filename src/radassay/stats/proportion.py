"""A share of images with an interval over patients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from radassay.stats.auc import Interval


def wilson(hits: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of `hits` in `n` (J Am Stat Assoc 1927;22:209); `n` may be fractional."""
    z = float(norm.ppf(0.5 + level / 2))
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def share(
    hit: NDArray[np.bool_], patients: NDArray[np.str_], level: float = 0.95, *, other_variance: float = 0.0
) -> Interval:
    """Return the share of images that are hit, with Wilson's interval at the effective number of images.

    The effective number is n divided by the design effect of images within patients (Korn & Graubard, Surv
    Methodol 1998;24:193), at most n and at least the number of patients where every image agrees.

    Args:
        hit: (n,) n at least 1.
        patients: (n,) the independent unit of each image.
        level: coverage of the interval.
        other_variance: variance of the share from another source, such as a limit that was estimated.
    """
    hit = np.asarray(hit, dtype=bool)
    n = len(hit)
    value = float(hit.mean())
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    clusters = int(cluster.max()) + 1
    effective = _effective(hit, cluster, clusters)
    if other_variance > 0:  # a share of none or all has no binomial variance to add to: Agresti & Coull's has
        near = (value * effective + 2) / (effective + 4)
        effective /= 1 + other_variance * effective / (near * (1 - near))
    low, high = wilson(value * effective, effective, level)
    method = "Wilson" if clusters == n else "Wilson, images weighted by the design effect of patients"
    return Interval(value, low, high, method)


def share_difference(
    hit: NDArray[np.bool_],
    first: NDArray[np.bool_],
    patients: NDArray[np.str_],
    level: float = 0.95,
    *,
    other_variance: float = 0.0,
) -> Interval:
    """Return the share among the first group minus that among the others (Newcombe, Stat Med 1998;17:873, method 10).

    The limits are put together from the score limits of either group, which count patients as `share` does; a patient
    with images in both groups counts in either.

    Args:
        hit: (n,) whether the image has it.
        first: (n,) whether the image is of the first group; both groups hold images.
        patients: (n,) the independent unit of each image.
        level: coverage of the interval.
        other_variance: variance of the difference from another source.
    """
    first = np.asarray(first, dtype=bool)
    one, two = (
        share(np.asarray(hit)[rows], np.asarray(patients)[rows], level, other_variance=extra)
        for rows, extra in ((first, other_variance), (~first, 0.0))
    )
    value = one.value - two.value
    low = value - math.hypot(one.value - one.low, two.high - two.value)
    high = value + math.hypot(one.high - one.value, two.value - two.low)
    return Interval(value, max(-1.0, low), min(1.0, high), f"Newcombe 1998, score limits: {one.method}")


def _effective(hit: NDArray[np.bool_], cluster: NDArray[np.integer[Any]], clusters: int) -> float:
    n, value = len(hit), float(hit.mean())
    if clusters == n or clusters == 1:
        return float(clusters)
    if value in (0.0, 1.0):
        return float(clusters)
    excess = np.bincount(cluster, hit - value, minlength=clusters)
    variance = clusters / (clusters - 1) * float((excess**2).sum()) / n**2
    return float(n / max(1.0, variance / (value * (1 - value) / n)))
