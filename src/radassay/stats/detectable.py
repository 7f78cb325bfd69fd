"""The smallest effect that a measure, on these images, would surely have shown to lie beyond a bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

from radassay.stats.paired import hanley_mcneil_variance
from radassay.stats.proportion import wilson

Areas = NDArray[np.float64]


def detectable_area(
    positives: int, negatives: int, bound: float, *, training: float = 0.0, level: float = 0.95, power: float = 0.95
) -> float:
    """Return the smallest area under the ROC curve whose lower limit lies above `bound` with this power.

    The standard error is that of Hanley & McNeil (Radiology 1982;143:29), on the logit scale on which intervals are
    made; patients count as units.

    Args:
        positives: patients with the label.
        negatives: patients without it.
        bound: area that the lower limit must pass, 0.5 or more.
        training: variance on the logit scale that the training of a model adds.
        level: coverage of the interval.
        power: share of repetitions in which it must be seen.

    Returns:
        The area; 1 where so few patients show none for sure.

    Raises:
        ValueError: there are no patients of either kind, or the bound is no area.
    """
    if min(positives, negatives) < 1 or not 0.5 <= bound < 1:
        raise ValueError("a detectable area needs patients with and without the label and a bound from 0.5 to below 1")
    needed = float(norm.ppf(0.5 + level / 2) + norm.ppf(power))

    # The area's spread on the logit scale grows without end near 1, so the crossing is looked for from below.
    areas = np.linspace(bound, 1, 2002)[1:-1]
    fixed = np.sqrt(hanley_mcneil_variance(areas, positives, negatives)) / (areas * (1 - areas))
    spread = np.hypot(fixed, np.sqrt(training))
    seen = _logit(areas) - _logit(np.array(bound)) >= needed * spread
    return float(areas[np.argmax(seen)]) if seen.any() else 1.0


def detectable_difference(half_width: float, bound: float, *, level: float = 0.95, power: float = 0.95) -> float:
    """Return the smallest true value whose interval of this half width lies above `bound` with this power.

    Normal theory: the value lies (z_level + z_power) standard errors beyond the bound.
    """
    z = float(norm.ppf(0.5 + level / 2))
    return bound + half_width * (z + float(norm.ppf(power))) / z


def detectable_share(n: int, bound: float, *, level: float = 0.95, power: float = 0.95) -> float:
    """Return the smallest true share of n independent units whose Wilson interval lies above `bound` with this power.

    Returns:
        The share; 1 where so few units show none for sure.

    Raises:
        ValueError: no units, or the bound is no share.
    """
    if n < 1 or not 0 <= bound < 1:
        raise ValueError("a detectable share needs units and a bound from 0 to below 1")
    hits = np.arange(1, n + 1)
    enough = hits[[wilson(float(k), n, level)[0] > bound for k in hits]]
    if not len(enough):
        return 1.0
    k = int(enough[0])
    # the upper limit of a binomial share by Clopper & Pearson: k or more of n are hit with this power
    return float(beta.ppf(power, k, n - k + 1))


def _logit(share: Areas) -> Areas:
    return np.asarray(np.log(share / (1 - share)))
