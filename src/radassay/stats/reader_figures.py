"""Figures of merit of every reader in every modality, and how they vary together over cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radassay.stats.auc import aucs, cluster_sums, clustered, limits
from radassay.stats.proportion import wilson

Floats = NDArray[np.float64]
Figure = Callable[[Floats, NDArray[np.bool_]], Floats]
"""From ratings (k, n) and truth (n,) to k figures of merit, such as `radassay.stats.auc.aucs`."""
Unvaried = Callable[[float, float], tuple[float, float]]
"""From a value and a level to the limits, where readers and cases left no variance at all."""


@dataclass(frozen=True)
class Figures:
    """Figures of merit and their covariance over cases."""

    values: Floats
    """(modalities, readers)."""
    covariance: Floats
    """(modalities, readers, modalities, readers) over cases, readers being fixed."""
    bounds: tuple[float, float] = (0.0, 1.0)
    """The smallest and largest value the figure can have."""
    unvaried: Unvaried | None = None
    """The interval where nothing varied; None where there is none."""

    def only(self, modality: int) -> Figures:
        """Return the figures of one modality."""
        return replace(
            self,
            values=self.values[[modality]],
            covariance=self.covariance[[modality]][:, :, [modality]],
        )


def delong_figures(ratings: ArrayLike, positive: ArrayLike, patients: ArrayLike | None = None) -> Figures:
    """Return areas under the ROC curve with DeLong's covariances, or Obuchowski's where patients have several cases.

    Args:
        ratings: (modalities, readers, cases), or (readers, cases) for one modality; every reader rated every case.
        positive: (cases,) truth.
        patients: (cases,) the independent unit of each case; None where every case is one.

    Raises:
        ValueError: a reading is missing, one class only, or a class of one patient.
    """
    ratings, positive, units = _checked(ratings, positive, patients)
    m, r, n = ratings.shape
    values, covariance = clustered(ratings.reshape(m * r, n), positive, units)
    if not np.isfinite(covariance).all():
        raise ValueError("a class of one patient has no variance; readers need two patients of each class")
    return Figures(values.reshape(m, r), covariance.reshape(m, r, m, r), unvaried=_of_area(positive, units))


def jackknife_figures(
    ratings: ArrayLike,
    positive: ArrayLike,
    figure: Figure = aucs,
    patients: ArrayLike | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Figures:
    """Return any figure of merit with jackknife covariances: each patient left out in turn, with all its cases.

    Args:
        ratings: (modalities, readers, cases), or (readers, cases) for one modality.
        positive: (cases,) truth.
        figure: from ratings (k, cases) and truth to k figures.
        patients: (cases,) the independent unit of each case; None where every case is one.
        bounds: the smallest and largest value the figure can have.

    Raises:
        ValueError: a reading is missing, or one patient left out leaves a class empty.
    """
    ratings, positive, units = _checked(ratings, positive, patients)
    m, r, n = ratings.shape
    rows = ratings.reshape(m * r, n)
    names, unit = np.unique(units, return_inverse=True)
    without = np.stack([figure(rows[:, unit != u], positive[unit != u]) for u in range(len(names))])
    excess = without - without.mean(axis=0)
    covariance = (len(names) - 1) / len(names) * excess.T @ excess
    unvaried = _of_area(positive, units) if figure is aucs else None
    values = np.asarray(figure(rows, positive), dtype=np.float64)
    return Figures(values.reshape(m, r), covariance.reshape(m, r, m, r), bounds, unvaried)


def proportion_figures(correct: ArrayLike, patients: ArrayLike | None = None) -> Figures:
    """Return each reader's share of right answers, one modality, with covariances over trials.

    Args:
        correct: (readers, trials) of 0 and 1, or of any score from 0 to 1.
        patients: (trials,) the independent unit of each trial; None where every trial is one.

    Raises:
        ValueError: an answer is missing or outside 0 to 1, or there are fewer than two patients.
    """
    scores = np.asarray(correct, dtype=np.float64)
    _whole(scores)
    if scores.ndim != 2 or scores.min() < 0 or scores.max() > 1:
        raise ValueError(f"right answers are a (readers, trials) array from 0 to 1; got shape {scores.shape}")
    r, n = scores.shape
    names, unit = np.unique(_units(patients, n), return_inverse=True)
    k = len(names)
    if k < 2:
        raise ValueError("a share of right answers needs trials of two patients or more")
    values = scores.mean(axis=1)
    excess = cluster_sums(scores - values[:, None], unit, k)
    covariance = k / (k - 1) * excess @ excess.T / n**2

    def unvaried(value: float, level: float) -> tuple[float, float]:
        return wilson(value * k, k, level)

    return Figures(values[None], covariance.reshape(1, r, 1, r), unvaried=unvaried)


def of_different_cases(*parts: Figures) -> Figures:
    """Return several modalities in one, each read on cases of its own by the same readers.

    Cases of different modalities are independent, so covariances between modalities are zero: diagnosis on real against
    diagnosis on synthetic images.

    Raises:
        ValueError: the parts have different numbers of readers.
    """
    readers = {part.values.shape[1] for part in parts}
    if len(readers) != 1:
        raise ValueError(f"all modalities need the same readers; got {sorted(readers)} readers")
    sizes = [part.values.shape[0] for part in parts]
    m, r = sum(sizes), readers.pop()
    covariance = np.zeros((m, r, m, r))
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        here = slice(start, start + size)
        covariance[here, :, here, :] = part.covariance
        start += size
    return replace(parts[0], values=np.concatenate([part.values for part in parts]), covariance=covariance)


def read_by_all(ratings: ArrayLike) -> NDArray[np.bool_]:
    """Return which cases, (cases,), every reader rated in every modality; missing ratings are NaN.

    Leaving out the others is right only if cases are missing by chance, not because they were hard; say how many.
    """
    ratings = np.asarray(ratings, dtype=np.float64)
    return np.asarray(np.isfinite(ratings).reshape(-1, ratings.shape[-1]).all(axis=0))


def _checked(
    ratings: ArrayLike, positive: ArrayLike, patients: ArrayLike | None
) -> tuple[Floats, NDArray[np.bool_], NDArray[Any]]:
    ratings, positive = np.asarray(ratings, dtype=np.float64), np.asarray(positive, dtype=bool)
    if ratings.ndim == 2:
        ratings = ratings[None]
    if ratings.ndim != 3 or positive.shape != ratings.shape[-1:]:
        raise ValueError(
            f"ratings are (modalities, readers, cases) and truth (cases,); got {ratings.shape} and {positive.shape}"
        )
    _whole(ratings)
    return ratings, positive, _units(patients, len(positive))


def _whole(ratings: Floats) -> None:
    missing = int((~np.isfinite(ratings)).sum())
    if missing:
        raise ValueError(
            f"{missing} of {ratings.size} readings are missing; this analysis needs every reader on every case "
            "(read_by_all names the cases that have all)"
        )


def _units(patients: ArrayLike | None, n: int) -> NDArray[Any]:
    units = np.arange(n) if patients is None else np.asarray(patients)
    if units.shape != (n,):
        raise ValueError(f"patients are one a case; got {units.shape} for {n} cases")
    return units


def _of_area(positive: NDArray[np.bool_], units: NDArray[Any]) -> Unvaried:
    sizes = [len(np.unique(units[rows])) for rows in (positive, ~positive)]

    def unvaried(value: float, level: float) -> tuple[float, float]:
        found = limits(value, 0.0, sizes[0], sizes[1], level=level)
        return found.low, found.high

    return unvaried
