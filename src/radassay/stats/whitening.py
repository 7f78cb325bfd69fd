"""Whitening: features turned and scaled so that every direction of real variation counts alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.1
"""Added to each variance, as a share of their mean, so that directions of mere noise are not blown up."""


@dataclass(frozen=True)
class Whitening:
    """A fixed linear map learned from one sample: its principal axes, each over √(variance + ridge).

    Distances after it are regularised Mahalanobis distances: a faint texture that hardly varies between real images
    counts as much as the shape of the chest, which varies a lot. It is learned from the real training images, which
    belong to neither side of a comparison.
    """

    mean: NDArray[np.float64]
    """(d,)"""
    matrix: NDArray[np.float64]
    """(d, d), columns by falling variance."""

    @classmethod
    def fit(cls, x: NDArray[np.floating[Any]]) -> Whitening:
        """Return the map learned from (n, d) features; of a constant sample it only centres.

        Raises:
            ValueError: fewer than two rows.
        """
        if len(x) < 2:
            raise ValueError("a covariance needs two rows")
        rows = np.asarray(x, dtype=float)
        mean = rows.mean(axis=0)
        variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(rows.T)))
        variances, axes = np.clip(variances[::-1], 0.0, None), axes[:, ::-1]
        ridge = RIDGE * float(variances.mean())
        return cls(mean, axes / np.sqrt(variances + ridge) if ridge > 0 else axes)

    def __call__(self, x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return (n, d) features in the new space, float64."""
        return np.asarray((np.asarray(x, dtype=float) - self.mean) @ self.matrix)
