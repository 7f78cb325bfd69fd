"""Grey values into grey levels: 1 to N inside the region, 0 outside of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.errors import SettingsError

Levels = NDArray[np.uint8]
"""(n, height, width) grey levels from 1; 0 is outside the region and belongs to nothing."""
Mask = NDArray[np.bool_]
MOST = 255
"""Grey levels at most."""
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""The four directions of a plane at Chebyshev distance 1, as (rows, columns)."""


def neighbours(height: int, width: int) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Return, for each direction, slices of all pixels of (n, height, width) that have a neighbour there, and of it."""
    pairs: list[tuple[tuple[slice, ...], tuple[slice, ...]]] = []
    for down, right in DIRECTIONS:
        here = (slice(None), slice(0, height - down), slice(max(0, -right), width - max(0, right)))
        there = (slice(None), slice(down, height), slice(max(0, right), width + min(0, right)))
        pairs.append((here, there))
    return pairs


def fixed_width(
    pixels: NDArray[np.floating], n_levels: int, low: float = 0.0, high: float = 1.0, mask: Mask | None = None
) -> Levels:
    """Return levels of one width, counted from `low` whatever the image (IBSI 2.7, fixed bin size).

    The range is the same for all images, so that a level means the same grey value in each of them and a pale image
    stays pale. `high` itself and what lies beyond the range belong to the outermost levels.

    Args:
        pixels: (n, height, width) grey values.
        n_levels: levels between `low` and `high`.
        low: grey value at which level 1 begins.
        high: grey value at which the last level ends.
        mask: (n, height, width) the region; None is the whole image.

    Raises:
        SettingsError: no levels or too many, or no range.
    """
    if not 2 <= n_levels <= MOST or high <= low:
        raise SettingsError(
            "Cannot sort grey values into levels",
            got=f"{n_levels} levels from {low} to {high}",
            possible=f"2 to {MOST} levels of a range",
        )
    scaled = (pixels - low) * (n_levels / (high - low))
    levels: Levels = (np.clip(scaled, 0.0, n_levels - 1) + 1.0).astype(np.uint8)
    return levels if mask is None else np.where(mask, levels, np.uint8(0))
