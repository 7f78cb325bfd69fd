"""Many areas under the ROC curve at once: intervals that hold together for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from radassay.stats.auc import Scores, clustered, limits

DRAWS = 4000
"""Draws from the joint distribution of the areas."""


@dataclass(frozen=True)
class Areas:
    """Areas of several scores of the same images, with limits that all hold at once."""

    values: NDArray[np.float64]
    """(m,)"""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    quantile: float
    """Of the largest of m correlated deviations, where one alone would have 1.96."""


def simultaneous_areas(
    scores: Scores,
    positive: NDArray[np.bool_],
    units: NDArray[np.str_],
    rng: np.random.Generator,
    level: float = 0.95,
) -> Areas:
    """Return areas whose intervals hold all together in a share `level` of samples, however many there are.

    Whichever area is picked out as the largest is therefore covered too, and an interval without 1/2 is a
    difference after correction for having looked at all of them. The limits are those of the largest of the m
    deviations, drawn from a multivariate t with the estimated correlations (Hothorn, Bretz & Westfall, Biom J
    2008;50:346), on the logit scale (Konietschke, Hothorn & Brunner, Electron J Stat 2012;6:738). Correlated scores
    cost less than by Bonferroni or Holm.

    Args:
        scores: (m, n) m scores of the same n images.
        positive: (n,) whether the image is positive.
        units: (n,) patient of each image.
        rng: source of the draws.
        level: joint coverage.

    Raises:
        ValueError: one class only, or scores that are not finite.
    """
    values, covariance = clustered(scores, positive, units)
    patients = [len(np.unique(units[rows])) for rows in (positive, ~positive)]
    known = np.isfinite(covariance).all()
    quantile = _largest(covariance, min(patients) - 1, rng, level) if known else float("inf")
    alone = float(2 * norm.cdf(quantile) - 1)
    spans = [
        limits(v, s, patients[0], patients[1], level=alone) for v, s in zip(values, np.diag(covariance), strict=True)
    ]
    low, high = (np.array([span[side] for span in spans]) for side in (1, 2))
    return Areas(values, low, high, quantile)


def _largest(covariance: NDArray[np.float64], freedom: int, rng: np.random.Generator, level: float) -> float:
    """Return the quantile of the largest absolute deviation of correlated areas; one that never varies counts not."""
    spread = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    varied = spread > 1e-9
    if not varied.any():
        return float(norm.ppf(0.5 + level / 2))
    correlation = covariance[np.ix_(varied, varied)] / np.outer(spread[varied], spread[varied])
    values, axes = np.linalg.eigh(correlation)
    root = axes * np.sqrt(np.clip(values, 0.0, None))
    drawn = np.abs(rng.standard_normal((DRAWS, len(root))) @ root.T).max(axis=1)
    return float(np.quantile(drawn / np.sqrt(rng.chisquare(freedom, DRAWS) / freedom), level))
