"""A picture made ready for matching: border cut off, one size, local contrast evened out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 160
"""Longer side in pixels at which keypoints are looked for; what is finer is lost first in compression and shrinking."""
DETAIL = 160
"""Side in pixels of the square picture whose fine detail is compared."""
FLAT = 0.03
"""Range of grey values, a share of all, below which a row or column is border."""
LEAST = 8
"""Shorter side in pixels from which a picture has anything to match."""

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Ready:
    """The part of a picture inside its border, at one size."""

    pixels: Grey
    """(height, width) in [0, 1], the longer side `SIDE`."""
    detail: Grey
    """(160, 160) in [0, 1]: the same squashed to a square, for the comparison of fine detail."""
    offset: NDArray[np.float32]
    """(2,) native x and y of the upper left corner of that part."""
    step: NDArray[np.float32]
    """(2,) native pixels across and down that one pixel of it spans."""

    def native(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return places (k, 2), x and y in this picture, as x and y in native pixels."""
        return np.asarray((places + 0.5) * self.step + self.offset - 0.5, dtype=np.float32)


def grey_of(picture: NDArray[Any]) -> Grey:
    """Return (height, width) in [0, 1]; colour is averaged, values that are no numbers become black."""
    values = np.asarray(picture, dtype=np.float32)
    if values.ndim == 3:
        values = values.mean(axis=2)
    return np.clip(np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0).astype(np.float32)


def ready(picture: NDArray[Any]) -> Ready | None:
    """Return the picture made ready, or None where nothing in it could be matched.

    Rows and columns at the edges that hold one grey value (letterbox, padding, collimation) are cut off.
    """
    grey = grey_of(picture)
    if min(grey.shape, default=0) < LEAST:
        return None
    top, bottom = _inside(grey)
    left, right = _inside(grey[top:bottom].T)
    if min(bottom - top, right - left) < LEAST:
        return None
    part = np.ascontiguousarray(grey[top:bottom, left:right])
    height, width = part.shape
    factor = SIDE / max(height, width)
    pixels = _resized(part, max(LEAST, round(height * factor)), max(LEAST, round(width * factor)))
    step = np.array([width / pixels.shape[1], height / pixels.shape[0]], dtype=np.float32)
    return Ready(pixels, _resized(part, DETAIL, DETAIL), np.array([left, top], dtype=np.float32), step)


def _resized(picture: Grey, height: int, width: int) -> Grey:
    how = cv2.INTER_AREA if height <= picture.shape[0] and width <= picture.shape[1] else cv2.INTER_CUBIC
    return np.clip(cv2.resize(picture, (width, height), interpolation=how), 0, 1).astype(np.float32)


def _inside(grey: Grey) -> tuple[int, int]:
    """Return the first row that is no border, and the one after the last."""
    if not grey.size:
        return 0, 0
    low, high = np.percentile(grey, (2, 98), axis=1)
    rows = np.flatnonzero(high - low > FLAT)
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)


def evened(pixels: Grey, sigma: float, floor: float = FLAT) -> Grey:
    """Return the picture less its Gaussian mean, over its local standard deviation (Jarrett et al., ICCV 2009).

    Windowing, gamma and equalising hardly change the result; `floor` keeps noise in flat parts small.
    """
    detail = pixels - cv2.GaussianBlur(pixels, (0, 0), sigma)
    spread = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), sigma) + floor**2)
    return np.asarray(detail / spread, dtype=np.float32)
