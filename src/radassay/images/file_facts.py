"""What a picture file says without being looked at: its shape, its type, how strongly it was compressed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

Features = NDArray[np.float64]


def shape(table: pd.DataFrame) -> tuple[Features, Features] | str:
    """Return size and proportions, (n, 4), and the proportions alone, (n, 1), or why there are none.

    Args:
        table: rows of an image set with `height` and `width`.
    """
    height, width = (table[c].to_numpy(dtype=np.float64) for c in ("height", "width"))
    if not (np.isfinite(height) & np.isfinite(width) & (height > 0) & (width > 0)).all():
        return "the native height and width are not known of every image"
    aspect = np.log(width / height)
    return np.stack([np.log(height), np.log(width), aspect, np.abs(aspect)], axis=1), aspect[:, None]


def kind(table: pd.DataFrame) -> Features | str:
    """Return file type, bits and channels as indicators, (n, d), or why there are none."""
    columns = [table[c].astype(str).to_numpy(dtype=str) for c in ("format", "bits", "channels")]
    if (columns[0] == "").any():
        return "the file type is not known of every image"
    return np.concatenate([c[:, None] == np.unique(c)[None, :] for c in columns], axis=1).astype(np.float64)


def jpeg_steps(path: Path) -> float:
    """Return the mean step of the luminance quantisation of a JPEG file; NaN for other files or none.

    The larger the step, the stronger the compression; steps of 1 lose next to nothing.
    """
    try:
        with Image.open(path) as picture:
            tables = getattr(picture, "quantization", None)
    except (OSError, ValueError, Image.DecompressionBombError):
        return float("nan")
    return float(np.mean(tables[min(tables)])) if tables else float("nan")
