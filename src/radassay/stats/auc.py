"""The area under the ROC curve, with its covariance for independent and for clustered images."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata, t

Scores = NDArray[np.floating[Any]]


class Interval(NamedTuple):
    """An estimate with its limits and how they were made."""

    value: float
    low: float
    high: float
    method: str


class Areas(NamedTuple):
    """Areas of several sets of scores of the same images, and their covariance."""

    values: NDArray[np.float64]
    """(m,) areas."""
    covariance: NDArray[np.float64]
    """(m, m) covariance of the areas."""


def auc(scores: Scores, positive: NDArray[np.bool_]) -> float:
    """Return the probability that a positive scores higher than a negative, a tie counting half.

    Args:
        scores: (n,) higher means more likely positive.
        positive: (n,) whether the image is positive.

    Raises:
        ValueError: one class only, or scores that are not finite.
    """
    return float(aucs(np.asarray(scores)[None, :], positive)[0])


def aucs(scores: Scores, positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the areas, (m,), of m sets of scores, (m, n), of the same n images (Mann-Whitney by midranks)."""
    scores, positive = _checked(scores, positive)
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    sums = rankdata(scores, axis=1)[:, positive].sum(axis=1)
    return np.asarray((sums - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative), dtype=np.float64)


def _checked(scores: Scores, positive: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rows = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    positive = np.asarray(positive, dtype=bool)
    if positive.all() or not positive.any():
        raise ValueError("an area under the ROC curve needs positives and negatives")
    if not np.isfinite(rows).all():
        raise ValueError("scores must be finite")
    return rows, positive


def placements(scores: Scores, positive: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the placement values by midranks (Sun & Xu, IEEE Signal Process Lett 2014;21:1389, eq. 8-11).

    Returns:
        (m, positives): share of the negatives below each positive; (m, negatives): share of the positives
        above each negative. The mean of either is the area.
    """
    scores, positive = _checked(scores, positive)
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(scores, axis=1)
    above = (ranks[:, positive] - rankdata(scores[:, positive], axis=1)) / n_negative
    below = 1.0 - (ranks[:, ~positive] - rankdata(scores[:, ~positive], axis=1)) / n_positive
    return above, below


def delong(scores: Scores, positive: NDArray[np.bool_]) -> Areas:
    """Return areas and covariance for independent images (DeLong, DeLong & Clarke-Pearson, Biometrics 1988;44:837).

    Args:
        scores: (m, n) m sets of scores of the same images.
        positive: (n,) whether the image is positive.
    """
    positive = np.asarray(positive, dtype=bool)
    return clustered(scores, positive, np.arange(len(positive)).astype(str))


def clustered(scores: Scores, positive: NDArray[np.bool_], patients: NDArray[np.str_]) -> Areas:
    """Return areas and covariance when patients have several images, of one or both classes.

    With one image a patient it is DeLong's. Source: Obuchowski, Biometrics 1997;53:567, eq. 5-9. A class of
    one patient has no variance to estimate; its term is then infinite.
    """
    positive = np.asarray(positive, dtype=bool)
    above, below = placements(scores, positive)
    areas = aucs(scores, positive)
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    n = int(cluster.max()) + 1
    excess_positive = cluster_sums(above - areas[:, None], cluster[positive], n)
    excess_negative = cluster_sums(below - areas[:, None], cluster[~positive], n)
    with_positive, with_negative = len(set(cluster[positive])), len(set(cluster[~positive]))
    a = excess_positive / above.shape[1]
    b = excess_negative / below.shape[1]
    covariance = (
        _small(with_positive) * a @ a.T + _small(with_negative) * b @ b.T + _small(n) * (a @ b.T + b @ a.T)
        if min(with_positive, with_negative) > 1
        else np.full((len(areas), len(areas)), np.inf)
    )
    return Areas(areas, covariance)


def _small(clusters: int) -> float:
    return clusters / (clusters - 1)


def cluster_sums(values: NDArray[np.float64], cluster: NDArray[np.integer[Any]], n: int) -> NDArray[np.float64]:
    """Return the sums of (m, k) values by cluster, (m, n)."""
    return np.stack([np.bincount(cluster, row, minlength=n) for row in values])


def area(scores: Scores, positive: NDArray[np.bool_], patients: NDArray[np.str_], level: float = 0.95) -> Interval:
    """Return the area with an interval over patients, always within [0, 1] and never without width.

    The interval is symmetric on the logit scale (Pepe 2003, section 5.2.3). Where the classes are separated
    so well that no variance is left, it is Newcombe's score interval (Stat Med 2006;25:559, method 5) with
    patients as units.
    """
    positive = np.asarray(positive, dtype=bool)
    values, covariance = clustered(scores, positive, patients)
    units = [len(np.unique(np.asarray(patients)[rows])) for rows in (positive, ~positive)]
    return limits(float(values[0]), float(covariance[0, 0]), units[0], units[1], level=level)


def limits(
    value: float,
    variance: float,
    positives: int,
    negatives: int,
    *,
    training: float = 0.0,
    freedom: float = math.inf,
    level: float = 0.95,
) -> Interval:
    """Return the interval of an area, symmetric on the logit scale or, without any variance, Newcombe's.

    Args:
        value: the area.
        variance: its variance over patients.
        positives: patients with positive images.
        negatives: patients with negative images.
        training: variance on the logit scale that the training of the model adds.
        freedom: degrees of freedom of the variance (Student's t).
        level: coverage.
    """
    spread = math.sqrt(max(variance, 0.0))
    if not math.isfinite(spread) or spread < 1e-9 or not 0 < value < 1:
        return Interval(
            value, *_newcombe(value, positives, negatives, level), "score interval over patients (Newcombe 2006)"
        )
    quantile = float(t.ppf(0.5 + level / 2, freedom))
    centre, half = (
        math.log(value / (1 - value)),
        quantile * math.hypot(spread / (value * (1 - value)), math.sqrt(training)),
    )
    low, high = (_expit(centre - half), _expit(centre + half))
    return Interval(value, low, high, "variance over patients (Obuchowski 1997), logit scale")


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _newcombe(value: float, positives: int, negatives: int, level: float) -> tuple[float, float]:
    """Return the areas whose own standard error just reaches the one seen (Newcombe 2006, method 5)."""
    theta = np.linspace(0, 1, 20001)
    extra = (positives + negatives) / 2 - 1
    variance = theta * (1 - theta) / (positives * negatives)
    variance = variance * (1 + extra * (1 - theta) / (2 - theta) + extra * theta / (1 + theta))
    inside = theta[np.abs(theta - value) <= norm.ppf(0.5 + level / 2) * np.sqrt(variance) + 1e-12]
    return float(min(inside.min(), value)), float(max(inside.max(), value))


def difference(
    first: Scores, second: Scores, positive: NDArray[np.bool_], patients: NDArray[np.str_], level: float = 0.95
) -> Interval:
    """Return area(first) - area(second) on the same images, with a normal interval over patients.

    Where both sets of scores rank all images alike the interval has no width: the two are then the same.
    """
    values, covariance = clustered(np.stack([first, second]), positive, patients)
    contrast = np.array([1.0, -1.0])
    value = float(contrast @ values)
    if not np.isfinite(covariance).all():
        return Interval(value, -1.0, 1.0, "no variance: one class comes from a single patient")
    half = float(norm.ppf(0.5 + level / 2)) * math.sqrt(max(float(contrast @ covariance @ contrast), 0.0))
    return Interval(
        value, max(-1.0, value - half), min(1.0, value + half), "paired variance over patients (Obuchowski 1997)"
    )


def bootstrap(
    scores: Scores,
    positive: NDArray[np.bool_],
    patients: NDArray[np.str_],
    rng: np.random.Generator,
    resamples: int = 500,
) -> NDArray[np.float64]:
    """Return the areas, (resamples, m), of patients drawn with replacement, each with all its images.

    Patients are drawn within strata (positive images only, negative only, both), so that no resample lacks a
    class. Paired differences are differences of columns.
    """
    scores = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    positive = np.asarray(positive, dtype=bool)
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    n = int(cluster.max()) + 1
    has_positive = np.bincount(cluster[positive], minlength=n) > 0
    has_negative = np.bincount(cluster[~positive], minlength=n) > 0
    strata = [np.flatnonzero(has_positive & ~has_negative), np.flatnonzero(~has_positive & has_negative)]
    strata = [s for s in (*strata, np.flatnonzero(has_positive & has_negative)) if len(s)]
    counts = np.empty((resamples, n))
    for i in range(resamples):
        counts[i] = np.bincount(np.concatenate([rng.choice(s, len(s)) for s in strata]), minlength=n)
    weights = counts[:, cluster]
    return np.stack([weighted_auc(row, positive, weights) for row in scores], axis=1)


def weighted_auc(
    scores: NDArray[np.floating], labels: NDArray[np.bool_], weights: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """Return the AUC of one set of scores under each row of weights (Mann-Whitney; ties count one half).

    Args:
        scores: (n,), higher means more likely positive.
        labels: (n,), True for positive.
        weights: (r, n), how often each image counts; None for one row of ones.

    Returns:
        (r,), NaN where a class has no weight.
    """
    if weights is None:
        weights = np.ones((1, len(scores)))
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.zeros(0, dtype=int)
    truth = labels[order]
    sorted_weights = weights[:, order].astype(np.float64)
    if not len(starts):
        return np.full(len(weights), np.nan)
    positive = np.add.reduceat(np.where(truth, sorted_weights, 0.0), starts, axis=1)
    negative = np.add.reduceat(np.where(truth, 0.0, sorted_weights), starts, axis=1)
    below = np.cumsum(negative, axis=1) - 0.5 * negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    wins = (positive * below).sum(axis=1)
    areas: NDArray[np.float64] = np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return areas
