"""From stored values to the grey values that a person or a network sees."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radassay.images.store import Pixels

Fit = Literal["squash", "pad", "crop"]
"""How a picture becomes square: squashed, padded with black, or cut to its central square."""

LUNG_WINDOW_HU = (-1350.0, 150.0)
"""Lung window of radiology: centre -600 HU, width 1500 HU."""


def grey(pixels: Pixels) -> NDArray[np.float32]:
    """Return one channel as float32; colour by the luma weights of ITU-R BT.601."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    luma: NDArray[np.float32] = pixels[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return luma


def to_display(
    pixels: Pixels, window: tuple[float, float], size: int | None = None, fit: Fit = "squash"
) -> NDArray[np.float32]:
    """Return grey values in [0, 1], resized with antialiasing (Pillow's box-supported bilinear filter).

    Args:
        pixels: (height, width) or (height, width, 3).
        window: values shown black and white.
        size: side in pixels of the square result; None keeps height and width.
        fit: how a picture that is not square becomes so.
    """
    low, high = window
    shown: NDArray[np.float32] = np.clip((grey(pixels) - low) / max(high - low, 1e-6), 0.0, 1.0).astype(np.float32)
    if size is None:
        return shown
    height, width = shown.shape
    if fit == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        shown = shown[top : top + side, left : left + side]
    elif fit == "pad":
        side = max(height, width)
        canvas = np.zeros((side, side), dtype=np.float32)
        top, left = (side - height) // 2, (side - width) // 2
        canvas[top : top + height, left : left + width] = shown
        shown = canvas
    if shown.shape == (size, size):
        return shown
    resized = Image.fromarray(shown).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float32).clip(0.0, 1.0)
