"""Arms compared on the same patients and seeds: a bootstrap over both at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from radassay.stats.auc import weighted_auc

Measure = Callable[[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]], NDArray[np.float64]]
"""From scores (n,), labels (n,) and weights (r, n) to the values (r,) under each row of weights."""

CHUNK = 500_000
"""Numbers held at once for the resamples, small enough for a processor cache."""


def patient_weights(
    patients: NDArray[np.str_], labels: NDArray[np.bool_], resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return how often each image counts in each bootstrap resample of whole patients, (resamples, n).

    Patients are drawn within strata (only positive images, only negative, both), so that every resample holds both
    classes in the proportion observed; the interval is conditional on it, as DeLong's (1988) is.
    """
    units, unit = np.unique(patients, return_inverse=True)
    has_positive = np.bincount(unit, weights=labels, minlength=len(units)) > 0
    has_negative = np.bincount(unit, weights=~labels, minlength=len(units)) > 0
    stratum = has_positive + 2 * has_negative
    counts = np.zeros((resamples, len(units)))
    for value in np.unique(stratum):
        members = np.flatnonzero(stratum == value)
        counts[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=resamples)
    weights: NDArray[np.float64] = counts[:, unit]
    return weights


@dataclass(frozen=True)
class Arms:
    """The endpoint of every arm as observed and in each bootstrap resample."""

    observed: NDArray[np.float64]
    """(arms, seeds)."""
    resampled: NDArray[np.float64]
    """(arms, resamples), each the mean over the seeds drawn."""

    @property
    def mean(self) -> NDArray[np.float64]:
        """Return (arms,), the mean over seeds."""
        mean: NDArray[np.float64] = self.observed.mean(axis=1)
        return mean


def crossed_bootstrap(
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    patients: NDArray[np.str_],
    resamples: int,
    rng: np.random.Generator,
    measure: Measure = weighted_auc,
) -> Arms:
    """Resample patients and training seeds together; every arm sees the same draws, so differences are paired.

    Each resample draws patients with replacement and, independently, seeds (the pigeonhole bootstrap for crossed
    factors, Owen 2007, Ann. Appl. Stat. 1(2):386; it errs on the wide side). Of s seeds s - 1 are drawn, which makes
    the bootstrap variance of their mean unbiased for few seeds (Rao and Wu 1988, JASA 83:231). One seed carries no
    information on seeds and only patients are resampled.

    Args:
        scores: (arms, seeds, n).
        labels: (n,), both classes present.
        patients: (n,), the independent unit of each image.
        resamples: number of draws.
        rng: where they come from.
        measure: the endpoint; see `radassay.stats.endpoints`.
    """
    arms, seeds, n = scores.shape
    once = np.ones((1, n))
    observed = np.array([[measure(scores[a, s], labels, once)[0] for s in range(seeds)] for a in range(arms)])
    drawn = max(seeds - 1, 1)
    seed_weights = rng.multinomial(drawn, np.full(seeds, 1 / seeds), size=resamples) / drawn
    resampled = np.empty((arms, resamples))
    step = max(1, CHUNK // max(n, 1))
    for start in range(0, resamples, step):
        rows = slice(start, min(start + step, resamples))
        weights = patient_weights(patients, labels, rows.stop - rows.start, rng)
        for a in range(arms):
            values = np.stack([measure(scores[a, s], labels, weights) for s in range(seeds)], axis=1)
            resampled[a, rows] = (values * seed_weights[rows]).sum(axis=1)
    return Arms(observed, resampled)


Area = TypeVar("Area", float, NDArray[np.float64])


def hanley_mcneil_variance(auc: Area, positives: int, negatives: int) -> Area:
    """Return the variance of an AUC, or of each of several (Hanley and McNeil 1982, Radiology 143:29, eq. 1-2)."""
    q1, q2 = auc / (2.0 - auc), 2.0 * auc**2 / (1.0 + auc)
    spread = auc * (1.0 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return spread / (positives * negatives)
