"""Contact sheets: drawn pictures side by side, one row a class."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BORDER = 1
"""Grey line between pictures, pixels."""


def contact_sheet(pictures: NDArray[np.float32]) -> bytes:
    """Return a PNG of pictures (rows, columns, size, size) in [0, 1]."""
    rows, columns, size, _ = pictures.shape
    step = size + BORDER
    sheet = np.full((rows * step + BORDER, columns * step + BORDER), 96, dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = BORDER + row * step, BORDER + column * step
            grey = np.rint(np.clip(pictures[row, column], 0.0, 1.0) * 255).astype(np.uint8)
            sheet[top : top + size, left : left + size] = grey
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, format="PNG")
    return out.getvalue()
