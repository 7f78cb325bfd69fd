"""A small U-Net run with numpy: shares of lung from a picture; its weights come from simulated chests alone.

Ronneberger, Fischer & Brox, MICCAI 2015. `benchmarks/training/train_lungs.py` holds the same network for training.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 64
"""Rows and columns that the network sees."""
CHANNELS = (8, 16, 24, 32, 48)
"""Features at each level, from fine to coarse."""

Maps = NDArray[np.float32]
"""(channels, rows, columns)."""


def prepared(picture: NDArray[np.floating[Any]]) -> Maps:
    """Return what the network sees of a (SIDE, SIDE) picture: grey values and local contrast, both of mean 0."""
    grey = np.ascontiguousarray(picture, dtype=np.float32)
    low, high = np.quantile(grey, [0.02, 0.98])
    grey = np.clip((grey - low) / max(float(high - low), 1e-3), 0, 1).astype(np.float32)
    away = grey - cv2.GaussianBlur(grey, (0, 0), 8.0)
    spread = np.sqrt(cv2.GaussianBlur(away * away, (0, 0), 8.0)) + np.float32(0.03)
    return np.stack([(grey - grey.mean()) / (grey.std() + np.float32(0.05)), np.clip(away / spread, -3, 3)]).astype(
        np.float32
    )


@lru_cache(maxsize=1)
def _weights() -> dict[str, NDArray[np.float32]]:
    with (
        files("radassay.anatomy").joinpath("lungs.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as kept,
    ):
        return {name: kept[name].astype(np.float32) for name in kept.files}


def lung_share(picture: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the probability of lung at each pixel of a (SIDE, SIDE) picture."""
    weights, block, kept = _weights(), 0, []
    x = prepared(picture)

    def twice(x: Maps, block: int) -> Maps:
        for i in (block, block + 1):
            x = _convolved(x, weights[f"weight{i:02d}"])
            x += weights[f"bias{i:02d}"][:, None, None]
            np.maximum(x, 0, out=x)
        return x

    for level in range(len(CHANNELS)):
        if level:
            rows = np.maximum(x[:, ::2], x[:, 1::2])
            x = np.maximum(rows[:, :, ::2], rows[:, :, 1::2])
        x = twice(x, block)
        kept.append(x)
        block += 2
    kept.pop()
    for _ in range(len(CHANNELS) - 1):
        x = twice(np.concatenate([x.repeat(2, axis=1).repeat(2, axis=2), kept.pop()]), block)
        block += 2
    logit = np.tensordot(weights["weight_last"][:, :, 0, 0], x, 1)[0] + weights["bias_last"]
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float32)


def _convolved(x: Maps, weight: NDArray[np.float32]) -> Maps:
    """Return the 3 x 3 convolution of (c, h, w) with (d, c, 3, 3), zeros outside."""
    channels, high, wide = x.shape
    # on rows padded to w + 2 a neighbour is a constant step away, so that each of the nine shifts is one plain slice
    step = wide + 2
    padded = np.zeros((channels, (high + 3) * step), dtype=np.float32)
    padded[:, : (high + 2) * step].reshape(channels, high + 2, step)[:, 1:-1, 1:-1] = x
    shifts = [row * step + column for row in range(3) for column in range(3)]
    columns = np.concatenate([padded[:, shift : shift + high * step] for shift in shifts])
    taps = weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)
    return np.asarray((taps @ columns).reshape(-1, high, step)[:, :, :wide])
