"""Where a picture begins: flat margins around what it shows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Box(NamedTuple):
    """A rectangle of pixels; `bottom` and `right` are the first row and column outside."""

    top: int
    left: int
    bottom: int
    right: int

    def text(self) -> str:
        """Return `left,top,right,bottom`."""
        return f"{self.left},{self.top},{self.right},{self.bottom}"


def content(shown: NDArray[np.floating[Any]], flat: float = 0.03, most: float = 0.4) -> Box:
    """Return the box that flat margins leave.

    A row or column belongs to the margin while nearly all of it (96 in 100 pixels) lies within `flat` of one grey
    value, the same for its whole side: a letterbox, a collimated border or padding, with a marker on it or not.

    Args:
        shown: (height, width) grey values in [0, 1].
        flat: range of grey values that counts as flat.
        most: largest share of a side that counts as margin; a picture that is flat all over is left whole.
    """
    height, width = shown.shape
    top, bottom = _margins(shown, flat)
    inner = shown[top : height - bottom] if top + bottom < height else shown
    left, right = _margins(inner.T, flat)
    if top + bottom >= height or left + right >= width:
        return Box(0, 0, height, width)
    top, bottom = (min(v, int(most * height)) for v in (top, bottom))
    left, right = (min(v, int(most * width)) for v in (left, right))
    return Box(top, left, height - bottom, width - right)


def _margins(shown: NDArray[np.floating[Any]], flat: float) -> tuple[int, int]:
    """Return how many rows at either end are flat."""
    # a hundred pixels of a row say whether it is flat
    some = shown[:, :: max(1, shown.shape[1] // 100)]
    middle = np.sort(some, axis=1)[:, some.shape[1] // 2][:, None]
    share = (np.abs(some - middle) <= flat / 2).mean(axis=1)
    return _run(share, middle[:, 0], flat), _run(share[::-1], middle[::-1, 0], flat)


def _run(share: NDArray[np.floating[Any]], middle: NDArray[np.floating[Any]], flat: float) -> int:
    good = (share >= 0.96) & (np.abs(middle - middle[0]) <= flat)
    return len(good) if good.all() else int(np.argmin(good))
