"""How far readers agree beyond chance, with missing answers and intervals over patients.

Three coefficients, because each fails somewhere: kappa falls towards zero when nearly all answers are alike, however
well readers agree; AC1 and AC2 do not; alpha takes missing answers and any scale. Readers who all guess agree on
nothing, so a low value says nothing on the images.

Sources: Fleiss, Psychol Bull 1971;76:378; Gwet, Br J Math Stat Psychol 2008;61:29 and Handbook of Inter-Rater
Reliability, 4th edition 2014 (missing answers, weights); Krippendorff, Computing Krippendorff's
Alpha-Reliability, 2011; Cohen, Psychol Bull 1968;70:213 (weighted kappa).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radassay.stats.auc import Interval

Floats = NDArray[np.float64]


class Scale(StrEnum):
    """What the distance of two answers means."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def answer_counts(answers: ArrayLike, categories: ArrayLike) -> Floats:
    """Return how many readers gave each answer to each case, (cases, categories).

    Args:
        answers: (cases, readers), NaN where a reader did not answer.
        categories: (q,) all answers that could be given, in order.

    Raises:
        ValueError: an answer is none of the categories, or there are fewer than two.
    """
    answers, categories = np.asarray(answers, dtype=np.float64), np.asarray(categories, dtype=np.float64)
    if len(np.unique(categories)) != len(categories) or len(categories) < 2:
        raise ValueError("agreement needs two categories or more, each once")
    same = answers[:, :, None] == categories
    strange = answers[~same.any(axis=2) & ~np.isnan(answers)]
    if len(strange):
        raise ValueError(f"answer {strange[0]:g} is none of the categories {[float(c) for c in categories]}")
    counts: Floats = same.sum(axis=1).astype(np.float64)
    return counts


def similarity(categories: ArrayLike, scale: Scale) -> Floats:
    """Return how alike two answers count, (q, q), 1 on the diagonal and 0 for the most distant (Gwet 2014).

    Nominal: identity. Interval: quadratic in the values. Ordinal: 1 minus the pairs of ranks between two answers over
    those between the extremes.
    """
    values = np.asarray(categories, dtype=np.float64)
    if scale is Scale.NOMINAL:
        return np.eye(len(values))
    if scale is Scale.INTERVAL:
        apart = (values[:, None] - values) ** 2
    else:
        rank = np.arange(len(values))
        steps = np.abs(rank[:, None] - rank) + 1
        apart = steps * (steps - 1) / 2.0
    return np.asarray(1 - apart / apart.max(), dtype=np.float64)


def fleiss_kappa(counts: Floats, weights: Floats, alike: Floats) -> Floats:
    """Return Fleiss' kappa, (b,), generalised to missing answers and to degrees of likeness (Gwet 2014).

    Args:
        counts: (cases, q) from `answer_counts`.
        weights: (b, cases) how often each case counts.
        alike: (q, q) from `similarity`.
    """
    observed, shares = _observed(counts, weights, alike)
    return _beyond(observed, np.einsum("bk,kl,bl->b", shares, alike, shares))


def gwet(counts: Floats, weights: Floats, alike: Floats) -> Floats:
    """Return Gwet's AC1 (nominal) or AC2 (any other likeness), (b,) (Gwet 2008 and 2014)."""
    observed, shares = _observed(counts, weights, alike)
    q = counts.shape[1]
    return _beyond(observed, alike.sum() / (q * (q - 1)) * (shares * (1 - shares)).sum(axis=1))


def _observed(counts: Floats, weights: Floats, alike: Floats) -> tuple[Floats, Floats]:
    """Return the agreement seen, (b,), and the share of each answer, (b, q)."""
    readers = counts.sum(axis=1)
    paired, answered = readers > 1, readers > 0
    near = np.einsum("ik,kl,il->i", counts, alike, counts) - readers
    each = np.divide(near, readers * (readers - 1), out=np.zeros_like(readers), where=paired)
    part = np.divide(counts, readers[:, None], out=np.zeros_like(counts), where=answered[:, None])
    return _over(weights @ each, weights @ paired), _over(weights @ part, (weights @ answered)[:, None])


def _beyond(observed: Floats, chance: Floats) -> Floats:
    """Return agreement beyond chance; 1 where there is nothing but one answer, on which all agree."""
    return np.asarray(1 - _over(1 - observed, 1 - chance, 0.0))


def _over(above: Floats, below: Floats, empty: float = np.nan) -> Floats:
    return np.divide(above, below, out=np.full_like(above, empty), where=np.abs(below) > 1e-12)


def krippendorff_alpha(
    counts: Floats, weights: Floats, scale: Scale = Scale.NOMINAL, values: Floats | None = None
) -> Floats:
    """Return Krippendorff's alpha, (b,): one minus disagreement seen over disagreement expected (2011).

    A case that fewer than two readers answered does not count.

    Args:
        counts: (cases, q) from `answer_counts`.
        weights: (b, cases) how often each case counts.
        scale: of the distance; ordinal distances depend on how often answers were given.
        values: (q,) of the categories, for the interval scale.
    """
    q = counts.shape[1]
    readers = counts.sum(axis=1)
    used, size = counts[readers > 1], readers[readers > 1]
    pairs = (used[:, :, None] * used[:, None, :] - used[:, :, None] * np.eye(q)) / (size - 1)[:, None, None]
    seen = (weights[:, readers > 1] @ pairs.reshape(len(used), q * q)).reshape(-1, q, q)
    totals = seen.sum(axis=2)
    n = totals.sum(axis=1)
    apart = _distances(totals, scale, np.arange(q, dtype=np.float64) if values is None else values)
    found = (seen * apart).sum(axis=(1, 2))
    expected = np.einsum("bk,bl,bkl->b", totals, totals, apart) / np.maximum(n - 1, 1)
    return np.where(n > 0, 1 - _over(found, expected, 0.0), np.nan)


def _distances(totals: Floats, scale: Scale, values: Floats) -> Floats:
    """Return squared distances of answers, (b, q, q); the ordinal counts the answers in between."""
    q = totals.shape[1]
    if scale is Scale.ORDINAL:
        middle = np.cumsum(totals, axis=1) - totals / 2
        return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)
    fixed = 1 - np.eye(q) if scale is Scale.NOMINAL else (values[:, None] - values) ** 2
    return np.broadcast_to(fixed, (len(totals), q, q))


def weighted_kappa(first: Floats, second: Floats, weights: Floats, alike: Floats) -> Floats:
    """Return Cohen's weighted kappa, (b,), of two readings of the same cases (Cohen 1968).

    Args:
        first: (cases, q) from `answer_counts` of the one reading, all answered.
        second: (cases, q) of the other.
        weights: (b, cases) how often each case counts.
        alike: (q, q) from `similarity`; `Scale.INTERVAL` over even categories gives the usual quadratic weights.
    """
    joint = np.einsum("bi,ik,il->bkl", weights, first, second) / weights.sum(axis=1)[:, None, None]
    chance = np.einsum("bk,kl,bl->b", joint.sum(axis=2), alike, joint.sum(axis=1))
    return _beyond((joint * alike).sum(axis=(1, 2)), chance)


def bootstrapped(
    coefficient: Callable[[Floats], Floats],
    cases: int,
    rng: np.random.Generator,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Return a coefficient with a percentile interval over patients; readers are those of the study.

    Resamples in which the coefficient does not exist (no case answered twice) are left out.

    Args:
        coefficient: from weights (b, cases) to coefficients (b,), e.g. `lambda w: gwet(counts, w, alike)`.
        cases: how many there are.
        rng: where the resamples come from.
        patients: (cases,) the independent unit of each case; None where every case is one.
        resamples: number of draws.
        level: coverage.

    Raises:
        ValueError: the coefficient does not exist: no case has two answers.
    """
    names: NDArray[Any] = np.arange(cases) if patients is None else np.asarray(patients)
    _, unit = np.unique(names, return_inverse=True)
    k = int(unit.max()) + 1
    value = float(coefficient(np.ones((1, cases)))[0])
    if np.isnan(value):
        raise ValueError("no case was answered by two readers, so there is no agreement to measure")
    drawn = rng.multinomial(k, np.full(k, 1 / k), size=resamples).astype(np.float64)
    found = coefficient(drawn[:, unit])
    low, high = np.quantile(found[~np.isnan(found)], [0.5 - level / 2, 0.5 + level / 2])
    return Interval(value, float(low), float(high), f"bootstrap over {k} patients, percentile")


def intra_reader(
    first: ArrayLike,
    second: ArrayLike,
    categories: ArrayLike,
    rng: np.random.Generator,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    level: float = 0.95,
) -> tuple[Interval, Interval]:
    """Return one reader's agreement with themselves on hidden repeats: quadratic weighted kappa and AC2.

    Args:
        first: (repeats,) ratings at the first sight.
        second: (repeats,) ratings at the second.
        categories: (q,) all ratings, in order.
        rng: where the resamples come from.
        patients: (repeats,) the independent unit of each repeat.
        resamples: number of draws.
        level: coverage.

    Raises:
        ValueError: no case was answered twice.
    """
    alike = similarity(categories, Scale.INTERVAL)
    answers = np.stack([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)], axis=1)
    whole = ~np.isnan(answers).any(axis=1)
    if not whole.any():
        raise ValueError("no case was answered twice")
    answers = answers[whole]
    units = None if patients is None else np.asarray(patients)[whole]
    counts = answer_counts(answers, categories)
    one, two = (answer_counts(answers[:, [i]], categories) for i in (0, 1))
    return (
        bootstrapped(lambda w: weighted_kappa(one, two, w, alike), len(answers), rng, units, resamples, level),
        bootstrapped(lambda w: gwet(counts, w, alike), len(answers), rng, units, resamples, level),
    )
