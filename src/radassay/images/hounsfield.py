"""CT values: the window in which a set is shown or learned from, and the exact way back to Hounsfield units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.errors import SettingsError
from radassay.images.imageset import ImageSet
from radassay.images.intensity import LUNG_WINDOW_HU, Fit, grey

WINDOWS = {"lung": LUNG_WINDOW_HU, "wide": (-1024.0, 1024.0)}
"""Windows by name, HU shown black and white: lung tissue, and all from air to dense bone's beginning."""
OWN = "own"
"""Name of the window that all images of a set share, or else the lung window."""
LIMITS_HU = (-32768.0, 32767.0)
"""What a 16-bit integer holds."""
Window = tuple[float, float]


def window_named(text: str) -> Window:
    """Return the window of a name (`lung`, `wide`) or of two numbers of HU, such as `-1000,400`.

    Raises:
        SettingsError: neither, or the numbers are no window.
    """
    if text in WINDOWS:
        return WINDOWS[text]
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not LIMITS_HU[0] <= low < high <= LIMITS_HU[1]:
        raise SettingsError(
            "No such window", got=text, possible=f"{', '.join(WINDOWS)}, {OWN}, or the HU of black and white: -1350,150"
        )
    return low, high


def in_hu(images: ImageSet) -> bool:
    """Return whether all images of a set hold Hounsfield units."""
    return len(images) > 0 and bool((images.table["unit"] == "HU").all())


def shown_in(images: ImageSet, window: str = OWN) -> ImageSet:
    """Return a set of Hounsfield units whose images are all shown in one window; any other set as it is.

    Raises:
        SettingsError: no such window.
    """
    wanted = None if window == OWN else window_named(window)
    if not in_hu(images):
        return images
    if wanted is None:
        shared = set(zip(images.table["low"], images.table["high"], strict=True))
        if len(shared) == 1:
            return images
        wanted = LUNG_WINDOW_HU
    return images.with_columns(low=wanted[0], high=wanted[1])


def to_hu(shown: NDArray[np.floating[Any]], window: Window) -> NDArray[np.int16]:
    """Return grey values in [0, 1] as Hounsfield units: the inverse of `to_display`, to the nearest whole unit."""
    low, high = window
    values: NDArray[np.float64] = np.rint(low + np.clip(shown, 0.0, 1.0).astype(np.float64) * (high - low))
    return values.astype(np.int16)


def clipped_share(images: ImageSet) -> float:
    """Return which share of the stored values lies outside the window they are shown in, and is lost to it."""
    outside = total = 0
    for row in range(len(images)):
        values = grey(images.pixels(row))
        low, high = (float(images.table[end].iloc[row]) for end in ("low", "high"))
        outside += int(((values < low) | (values > high)).sum())
        total += values.size
    return outside / max(total, 1)


@dataclass(frozen=True)
class Values:
    """What generated grey values stand for, as the training images tell."""

    low: float
    """HU of black."""
    high: float
    """HU of white."""
    clipped_share: float
    """Share of the training values that the window cut off: none of them can be generated."""
    spacing_mm: float | None
    """Distance between pixel centres; None where unknown, or where the pixels are not square."""
    view: str
    """View that all training images share, or empty."""

    @classmethod
    def of(cls, images: ImageSet, size: int, fit: Fit) -> Values | None:
        """Return what images fitted into `size` stand for; None where that is no Hounsfield units in one window."""
        if not in_hu(images) or len(set(zip(images.table["low"], images.table["high"], strict=True))) != 1:
            return None
        low, high = (float(images.table[end].iloc[0]) for end in ("low", "high"))
        views = set(images.table["view"])
        return cls(
            low, high, clipped_share(images), fitted_spacing(images, size, fit), views.pop() if len(views) == 1 else ""
        )

    @classmethod
    def read(cls, told: Mapping[str, Any] | None) -> Values | None:
        """Return what was written down as a dictionary."""
        return None if told is None else cls(**told)

    def row(self) -> dict[str, Any]:
        """Return what an image set says of a generated image."""
        spacing = math.nan if self.spacing_mm is None else self.spacing_mm
        return {
            "unit": "HU", "bits": 16, "low": self.low, "high": self.high,
            "modality": "CT", "view": self.view, "spacing_mm": spacing,
        }  # fmt: skip


def fitted_spacing(images: ImageSet, size: int, fit: Fit) -> float | None:
    """Return the median distance between pixel centres, mm, once images are fitted into `size`; None where unknown."""
    height, width, spacing = (images.table[c].to_numpy(dtype=float) for c in ("height", "width", "spacing_mm"))
    if fit == "squash" and (height != width).any():
        return None
    side = np.minimum(height, width) if fit == "crop" else np.maximum(height, width)
    fitted = spacing * side / size
    return float(np.median(fitted)) if np.isfinite(fitted).all() else None
