"""What gain a trial can show, before anything is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from radassay.stats.contributions import contributions
from radassay.stats.paired import hanley_mcneil_variance


@dataclass(frozen=True)
class Assumptions:
    """What must be assumed of areas that have not been measured; `learned` takes it from an earlier trial."""

    auc: float = 0.85
    """Area of the arm without synthetic images."""
    same_arm: float = 0.6
    """Correlation, over test patients, of the areas of two trainings of one arm."""
    other_arm: float = 0.5
    """The same of two trainings of different arms."""
    training_sd: float = 0.02
    """Standard deviation, between seeds, of the difference of two arms' areas were there endless test patients."""

    @classmethod
    def learned(cls, scores: NDArray[np.float64], labels: NDArray[np.bool_], patients: NDArray[np.str_]) -> Assumptions:
        """Return what an earlier trial of two arms, scores (2, s, n), shows; s is 2 or more.

        Raises:
            ValueError: not two arms of two trainings or more, or too few patients.
        """
        arms, trainings, n = scores.shape
        if arms != 2 or trainings < 2:
            raise ValueError("assumptions are learned from two arms of two trainings or more")
        single = contributions(scores.reshape(2 * trainings, 1, n), labels, patients).of_patients
        spread = np.sqrt(np.diag(single))
        correlation = single / np.outer(spread, spread)
        arm = np.repeat([0, 1], trainings)
        same = (arm[:, None] == arm) & ~np.eye(2 * trainings, dtype=bool)
        parts = contributions(scores, labels, patients)
        contrast = np.array([-1.0, 1.0])
        return cls(
            auc=float(parts.mean[0]),
            same_arm=float(correlation[same].mean()),
            other_arm=float(correlation[arm[:, None] != arm].mean()),
            training_sd=math.sqrt(max(float(contrast @ parts.between @ contrast), 0.0)),
        )


def gain_error(
    positives: int, negatives: int, trainings: int, assumed: Assumptions, gain: float = 0.0
) -> tuple[float, float]:
    """Return the standard errors of the difference of two arms' areas, each a mean over s trainings.

    The first is over test patients, with two areas' variance V by Hanley and McNeil (Radiology 1982;143:29), taken at
    the mean of both, and their correlations: 2 V (same - other + (1 - same) / s). The second is over trainings.

    Raises:
        ValueError: no patients of a class, or no trainings.
    """
    if min(positives, negatives, trainings) < 1:
        raise ValueError("a gain needs patients of both classes and trainings")
    differing = max(assumed.same_arm - assumed.other_arm, 0.0) + (1 - assumed.same_arm) / trainings
    patients = 2 * differing * _variance(assumed, gain, positives, negatives)
    return math.sqrt(patients), assumed.training_sd / math.sqrt(trainings)


def power_of_gain(
    gain: float, positives: int, negatives: int, trainings: int, assumed: Assumptions, level: float = 0.95
) -> float:
    """Return the chance that the interval of a true gain lies above zero.

    Student's t with Satterthwaite's degrees of freedom, as the trial's own intervals over patients and trainings.

    Args:
        gain: true difference of the areas, above zero.
        positives: positive test patients.
        negatives: negative test patients.
        trainings: seeds an arm.
        assumed: what is not known yet.
        level: coverage of the interval.
    """
    patients, training = gain_error(positives, negatives, trainings, assumed, gain)
    error = math.hypot(patients, training)
    if error == 0:
        return float(gain > 0)
    # the spread between trainings is seen on few patients: what is theirs is taken off, but adds to its uncertainty
    own = 2 * (1 - assumed.same_arm) * _variance(assumed, gain, positives, negatives) / trainings
    parts = patients**4 / max(min(positives, negatives) - 1, 1) + (training**2 + own) ** 2 / max(trainings - 1, 1)
    freedom = max(error**4 / parts, 1.0)
    return float(student.sf(student.ppf(0.5 + level / 2, freedom) - gain / error, freedom))


def detectable_gain(
    positives: int, negatives: int, trainings: int, assumed: Assumptions, level: float = 0.95, power: float = 0.8
) -> float:
    """Return the smallest true gain that is shown with this power; the room up to an area of 1 where there is none."""
    low, high = 0.0, 1.0 - assumed.auc
    if power_of_gain(high, positives, negatives, trainings, assumed, level) < power:
        return high
    for _ in range(50):
        middle = (low + high) / 2
        if power_of_gain(middle, positives, negatives, trainings, assumed, level) < power:
            low = middle
        else:
            high = middle
    return high


def _variance(assumed: Assumptions, gain: float, positives: int, negatives: int) -> float:
    return hanley_mcneil_variance(min(max(assumed.auc + gain / 2, 0.5), 0.9999), positives, negatives)
