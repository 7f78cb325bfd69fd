"""The area under the ROC curve among images alike in other respects, against that among all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radassay.stats.auc import auc
from radassay.stats.resample import Interval, deal_groups, jackknife_interval

Scores = NDArray[np.floating[Any]]


class Adjustment(NamedTuple):
    """Areas before and after matching, on the same images."""

    crude: tuple[float, Interval]
    adjusted: tuple[float, Interval]
    change: tuple[float, Interval]
    """Adjusted minus crude, paired."""


def matchable(positive: NDArray[np.bool_], strata: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return which images have one of the other class in their stratum, (n,)."""
    _, stratum = np.unique(np.asarray(strata), return_inverse=True)
    ill = np.bincount(stratum, positive) > 0
    well = np.bincount(stratum, ~positive) > 0
    return np.asarray((ill & well)[stratum])


def adjusted_area(scores: Scores, positive: NDArray[np.bool_], strata: NDArray[np.str_]) -> float:
    """Return the covariate-adjusted area: positives against negatives of their own stratum, averaged over strata.

    The idea is that of Janes & Pepe, Biometrika 2009;96:371; the weight of a stratum is van Elteren's (Bull Int Stat
    Inst 1960;37:351), positives times negatives over images plus one, which spreads least where nothing differs.

    Raises:
        ValueError: no stratum holds both classes.
    """
    total = weight = 0.0
    for stratum in np.unique(strata[matchable(positive, strata)]):
        rows = strata == stratum
        ill, n = int(positive[rows].sum()), int(rows.sum())
        total += ill * (n - ill) / (n + 1) * auc(scores[rows], positive[rows])
        weight += ill * (n - ill) / (n + 1)
    if not weight:
        raise ValueError("no stratum holds positives and negatives")
    return total / weight


def adjustment(
    scores: Scores,
    positive: NDArray[np.bool_],
    strata: NDArray[np.str_],
    patients: NDArray[np.str_],
    level: float = 0.95,
) -> Adjustment:
    """Return the area of scores over all images, that inside strata, and how they differ.

    Inside a stratum scores gain nothing from telling the strata apart. Intervals are a delete-a-group jackknife over
    patients.

    Args:
        scores: (n,) higher means more likely positive.
        positive: (n,) whether the image is positive.
        strata: (n,) stratum of each image, each with both classes.
        patients: (n,) independent unit of each image.
        level: coverage of the intervals.

    Raises:
        ValueError: no stratum holds both classes.
    """
    values = _both(scores, positive, strata)
    group = deal_groups(patients)
    left = [
        _both(scores[keep], positive[keep], strata[keep])
        for keep in (group != g for g in np.unique(group))
        if matchable(positive[keep], strata[keep]).any()
    ]
    unit, signed = (0.0, 1.0), (-1.0, 1.0)
    found = [
        (value, jackknife_interval(value, [row[k] for row in left], level=level, bounds=unit if k < 2 else signed))
        for k, value in enumerate(values)
    ]
    return Adjustment(*found)


def _both(scores: Scores, positive: NDArray[np.bool_], strata: NDArray[np.str_]) -> tuple[float, float, float]:
    before, after = auc(scores, positive), adjusted_area(scores, positive, strata)
    return before, after, after - before
