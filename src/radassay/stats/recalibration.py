"""From scores to probabilities that mean what they say, and the data of a calibration plot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from radassay.stats.endpoints import logistic
from radassay.stats.proportion import share

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recalibration:
    """A logistic curve from score to probability."""

    intercept: float
    slope: float

    @classmethod
    def learned(cls, scores: Floats, labels: NDArray[np.bool_]) -> Recalibration:
        """Return the curve that fits validation images (Platt 1999, with his targets, which keep the slope finite).

        A model trained on repeated, reweighted or synthetic images believes in their share of the disease;
        PROBAST+AI (Moons et al., BMJ 2025;388:e082505) asks that it be recalibrated, which only works on images with
        the share that patients have: those neither resampled nor made.

        Args:
            scores: (n,) finite scores of validation images.
            labels: (n,) their labels.

        Raises:
            ValueError: one class only, or scores that are not finite.
        """
        labels = np.asarray(labels, dtype=bool)
        positives, negatives = int(labels.sum()), int((~labels).sum())
        if not positives or not negatives or not np.isfinite(scores).all():
            raise ValueError("a recalibration needs finite scores of positives and negatives")
        targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        if np.ptp(scores) == 0:
            share_ = float(targets.mean())
            return cls(float(np.log(share_ / (1 - share_))), 0.0)
        intercept, slope = logistic(np.asarray(scores, dtype=np.float64), targets, np.ones((1, len(scores))))[0]
        return cls(float(intercept), float(slope))

    def probabilities(self, scores: Floats) -> Floats:
        """Return the probability of each score, same shape."""
        return np.asarray(expit(self.intercept + self.slope * scores), dtype=np.float64)


@dataclass(frozen=True)
class CalibrationPoint:
    """One group of images of like probability."""

    probability: float
    """Mean probability that the model gave."""
    observed: float
    """Share that are positive."""
    low: float
    high: float
    images: int


def calibration_points(
    probabilities: Floats,
    labels: NDArray[np.bool_],
    patients: NDArray[np.str_],
    groups: int = 10,
    level: float = 0.95,
) -> list[CalibrationPoint]:
    """Return the points of a calibration plot: groups of equal number by rising probability.

    Intervals are Wilson's, with patients as units. Images of one probability stay together, so there may be fewer
    groups.

    Args:
        probabilities: (n,)
        labels: (n,)
        patients: (n,) independent unit of each image.
        groups: most groups there are.
        level: coverage of each interval.
    """
    ranks = np.searchsorted(np.sort(probabilities), probabilities, side="left")
    group = ranks * groups // max(len(probabilities), 1)
    points = []
    for value in np.unique(group):
        rows = group == value
        found = share(labels[rows], patients[rows], level)
        points.append(
            CalibrationPoint(float(probabilities[rows].mean()), found.value, found.low, found.high, int(rows.sum()))
        )
    return points
