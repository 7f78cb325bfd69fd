"""ROC curves of readers as they answered, without any model, and the curve of their mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def operating_points(scores: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Return the empirical ROC curve as corners of straight lines, (k, 2): false and true positive rate.

    A point for every level that a reader has used, from (0, 0) to (1, 1); both rates never fall. The area under the
    lines is that of `radassay.stats.auc.auc`.

    Args:
        scores: (n,) higher means more likely positive.
        positive: (n,) truth; both classes.
    """
    levels = np.unique(scores)[::-1]
    said = scores[None, :] >= levels[:, None]
    rates = np.stack([said[:, ~positive].mean(axis=1), said[:, positive].mean(axis=1)], axis=1)
    return np.concatenate([[[0.0, 0.0]], rates])


def average(curves: Sequence[Floats]) -> Floats:
    """Return the mean of ROC curves, whose area is the mean of their areas (Chen and Samuelson, Br J Radiol 2014).

    Curves are averaged along the lines of equal sum of both rates, where each has exactly one point.

    Args:
        curves: one or more, each (k, 2) as from `operating_points`.

    Returns:
        (m, 2) corners of the mean curve, from (0, 0) to (1, 1).
    """
    along = [curve.sum(axis=1) for curve in curves]
    at = np.unique(np.round(np.concatenate(along), 12))
    above = np.mean([np.interp(at, s, c[:, 1] - c[:, 0]) for s, c in zip(along, curves, strict=True)], axis=0)
    return np.stack([(at - above) / 2, (at + above) / 2], axis=1)


def rounded(curve: Floats) -> list[list[float]]:
    """Return a curve as plain numbers for a finding's details."""
    return [[round(float(x), 9), round(float(y), 9)] for x, y in curve]
