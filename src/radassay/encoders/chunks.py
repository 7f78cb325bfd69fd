"""Encoding in chunks of one size, so that no row of features depends on the batch that its image came in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from radassay.errors import InputError

CHUNK = 32
"""Images in one pass; always this many (the last pass is filled with black): kernels round by the batch's size."""


def require_images(pixels: NDArray[np.float32]) -> None:
    """Raise `InputError` unless these are (n, size, size) finite values."""
    if pixels.ndim != 3 or pixels.shape[1] != pixels.shape[2]:
        raise InputError("Cannot encode these images", got=f"shape {pixels.shape}", possible="(n, size, size)")
    if not np.isfinite(pixels).all():
        raise InputError("Cannot encode images with values that are not finite")


def in_chunks(
    pixels: NDArray[np.float32], dims: int, forward: Callable[[Tensor], NDArray[np.floating[Any]]]
) -> NDArray[np.float32]:
    """Return the features of (n, size, size) grey values, (n, dims); `forward` maps (32, size, size) to (32, dims).

    Raises:
        InputError: another shape, or a value that is not finite.
    """
    require_images(pixels)
    features = np.empty((len(pixels), dims), dtype=np.float32)
    for start in range(0, len(pixels), CHUNK):
        part = pixels[start : start + CHUNK]
        chunk = np.zeros((CHUNK, *pixels.shape[1:]), dtype=np.float32)
        chunk[: len(part)] = part
        features[start : start + CHUNK] = forward(torch.from_numpy(chunk))[: len(part)]
    return features


def resized(image: Tensor, side: int) -> Tensor:
    """Return (n, 1, size, size) at another side, with antialiasing; as it is where it has that side."""
    if image.shape[-1] == side:
        return image
    return F.interpolate(image, size=(side, side), mode="bilinear", antialias=True)
