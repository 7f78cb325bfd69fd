"""Sliced Wasserstein distance of small patches, band by band of a Laplacian pyramid (Karras et al. 2018, section 5)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pictures = NDArray[np.floating[Any]]
"""(n, size, size)."""

BANDS = ("fine", "middle", "coarse")
"""Octaves: the finest, the next, and all that is coarser."""
PATCH = 7
"""Side of a patch in pixels of its band."""
DIRECTIONS = 24
"""Directions onto which patches are projected."""
PLACES = 48
"""Patches of each picture and band, at places that are the same for all pictures."""
REACH, BINS = 5.0, 80
"""Projections over their usual size are counted in so many bins, equally wide in asinh, from -REACH to REACH: detail is
mostly faint and seldom strong, and neither may be lost."""
SMALLEST = 4 * PATCH
"""Side of a picture whose coarsest band still holds a patch."""


def pyramid(picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the bands of a (size, size) picture, finest first (Burt & Adelson 1983); their sum is the picture."""
    bands = []
    for _ in BANDS[1:]:
        smaller = np.asarray(cv2.pyrDown(picture), dtype=np.float32)
        bands.append(picture - np.asarray(cv2.pyrUp(smaller, dstsize=picture.shape[::-1]), dtype=np.float32))
        picture = smaller
    return [*bands, picture]


def projections(pixels: Pictures) -> list[NDArray[np.float32]]:
    """Return patches projected onto fixed random directions, for each band (n, DIRECTIONS, places).

    Raises:
        ValueError: pictures smaller than `SMALLEST`.
    """
    if pixels.shape[1] < SMALLEST:
        raise ValueError(f"patches of three bands need {SMALLEST} pixels a side, not {pixels.shape[1]}")
    bands = list(zip(*(pyramid(np.asarray(picture, dtype=np.float32)) for picture in pixels), strict=True))
    out = []
    for number, band in enumerate(bands):
        stack = np.stack(band)
        fixed = np.random.default_rng(number)  # the same places and directions for every picture, set and run
        wide = stack.shape[1] - PATCH + 1
        places = np.sort(fixed.permutation(wide * wide)[:PLACES])
        directions = fixed.standard_normal((PATCH * PATCH, DIRECTIONS)).astype(np.float32)
        directions /= np.linalg.norm(directions, axis=0)
        windows = np.lib.stride_tricks.sliding_window_view(stack, (PATCH, PATCH), axis=(1, 2))
        patches = windows[:, places // wide, places % wide].reshape(-1, PATCH * PATCH)
        out.append((patches @ directions).reshape(len(stack), -1, DIRECTIONS).transpose(0, 2, 1))
    return out


def usual(projected: NDArray[np.float32]) -> tuple[float, float]:
    """Return the middle and the spread of projections: median, and half the range of the middle 68 of 100."""
    low, middle, high = np.quantile(projected[:, :, ::3], [0.16, 0.5, 0.84])
    return float(middle), float(high - low) / 2


def distributions(projected: NDArray[np.float32], centre: float, scale: float) -> NDArray[np.float32]:
    """Return the distribution function of each picture's projections at the bins' upper ends.

    Args:
        projected: (n, directions, places) of one band.
        centre: middle of the reference images' projections.
        scale: their spread, above 0.

    Returns:
        (n, directions · BINS), the last bin of each direction always 1.
    """
    n, directions, places = projected.shape
    place = np.arcsinh((projected - np.float32(centre)) * np.float32(1 / scale))
    index = np.clip(place * np.float32(BINS / (2 * REACH)) + np.float32(BINS / 2), 0, BINS - 1).astype(np.int32)
    index += (np.arange(n * directions, dtype=np.int32) * BINS).reshape(n, directions, 1)
    counts = np.bincount(index.ravel(), minlength=n * directions * BINS).reshape(n, directions, BINS)
    return (counts.cumsum(axis=2) / np.float32(places)).reshape(n, -1).astype(np.float32)


def slice_weights(directions: int = DIRECTIONS) -> Array:
    """Return the weight of each column of `distributions` in the distance: bin width over number of directions."""
    middles = np.sinh(np.linspace(-REACH, REACH, 2 * BINS + 1)[1::2])
    # around its upper end a distribution function stands for half of either bin
    widths = np.append((np.diff(middles)), 0.0)
    return np.tile(widths / directions, directions)
