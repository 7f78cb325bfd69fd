"""Cheap features of a picture that a shortcut may use, by the name of the finding they lead to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.regions import border, outside_lungs, thumbnails

SIDE = 32
"""Side of the thumbnail in pixels."""


def from_pixels(pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Return features of pictures, (n, size, size), as the network sees them, each (n, d)."""
    small = thumbnails(pixels, SIDE)
    return {
        "auc_border": small[:, border(SIDE)],
        "auc_lungs_out": small[:, outside_lungs(SIDE)],
        "auc_histogram": histogram(pixels),
        "auc_full": small.reshape(len(small), -1),
    }


def histogram(pixels: NDArray[np.float32], bins: int = 32) -> NDArray[np.float64]:
    """Return the square root of the share of pixels in each grey bin, (n, bins).

    The root evens out the bins' variances (Hellinger distance).
    """
    index = np.clip(np.nan_to_num(pixels) * bins, 0, bins - 1).astype(np.intp).reshape(len(pixels), -1)
    rows = np.arange(len(pixels))[:, None] * bins
    counts = np.bincount((index + rows).ravel(), minlength=len(pixels) * bins).reshape(len(pixels), bins)
    return np.sqrt(counts / max(1, index.shape[1]))
