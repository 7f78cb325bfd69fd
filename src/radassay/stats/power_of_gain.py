"""What gain a trial can show, before anything is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import t as student

from radassay.stats.paired import hanley_mcneil_variance


@dataclass(frozen=True)
class Assumptions:
    """What must be assumed of areas that have not been measured; earlier trials on like images tell."""

    auc: float = 0.85
    """Area of the arm without synthetic images."""
    correlation: float = 0.5
    """Correlation of the areas of two trainings over the same test patients."""
    training_sd: float = 0.02
    """Standard deviation, between seeds, of the difference of the two arms' areas were there endless test patients."""


def gain_error(positives: int, negatives: int, trainings: int, assumed: Assumptions, gain: float = 0.0) -> float:
    """Return the standard error of the difference of two arms' areas, each a mean over trainings.

    Patients cause 2 (1 - correlation) V with V by Hanley and McNeil (Radiology 1982;143:29 and 1983;148:839), taken
    at the mean of both areas; trainings cause the variance of one paired difference over their number.

    Raises:
        ValueError: no patients of a class, or no trainings.
    """
    if min(positives, negatives, trainings) < 1:
        raise ValueError("a gain needs patients of both classes and trainings")
    area = min(max(assumed.auc + gain / 2, 0.5), 0.9999)
    patients = 2 * (1 - assumed.correlation) * hanley_mcneil_variance(area, positives, negatives)
    return math.sqrt(patients + assumed.training_sd**2 / trainings)


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
    error = gain_error(positives, negatives, trainings, assumed, gain)
    training = assumed.training_sd**2 / trainings
    patients = error**2 - training
    parts = patients**2 / max(min(positives, negatives) - 1, 1) + training**2 / max(trainings - 1, 1)
    freedom = error**4 / parts if parts > 0 else 1.0
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
