"""Whether images are mirrored, by what the real training images show of left and right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.regions import thumbnails

SIDE = 16
ROWS, COLUMNS = slice(3, 15), slice(2, 8)
"""Rows and (of the left half) columns looked at: heart, aorta, stomach; no corners, where letters stand."""
RIDGE = 0.1
"""Added to the variances, as a share of their mean."""


@dataclass(frozen=True)
class Sides:
    """A direction along which real images, left less right, lie on one side."""

    weights: NDArray[np.float64]

    @classmethod
    def learn(cls, pixels: NDArray[np.floating[Any]]) -> Sides:
        """Return the linear discriminant between images, (n, size, size), and their mirror images.

        The mirror image of a picture turns the sign of left less right, so that the two classes have one covariance
        and opposite means.
        """
        odd = _left_less_right(pixels)
        covariance = odd.T @ odd / len(odd)
        covariance[np.diag_indices_from(covariance)] += RIDGE * np.trace(covariance) / len(covariance) + 1e-12
        return cls(np.linalg.solve(covariance, odd.mean(axis=0)))

    def mirrored(self, pixels: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Return which images lie on the wrong side, (n,)."""
        return np.asarray(_left_less_right(pixels) @ self.weights < 0)


def _left_less_right(pixels: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the odd part of pictures, (n, d), each of length 1, so that contrast does not count."""
    small = thumbnails(pixels, SIDE)
    odd = (small - small[:, :, ::-1])[:, ROWS, COLUMNS].reshape(len(small), -1)
    return np.asarray(odd / np.maximum(np.linalg.norm(odd, axis=1, keepdims=True), 1e-9))
