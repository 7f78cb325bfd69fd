"""What a detector is given of a picture, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radassay.anatomy.content import Box, content
from radassay.images.intensity import grey

LONGEST = 384
"""Longest side at which shapes are looked for; finer detail is looked for in a part of the picture as stored."""
PATCH = 512
"""Longest side of that part."""


@dataclass(frozen=True)
class Sight:
    """What one detector says of one picture."""

    score: float
    """0 nothing to 1 certain; 0.5 and more counts as seen."""
    reason: str = ""
    """What was seen, in words."""
    box: Box | None = None
    """Where, in pixels of the stored picture; None for the whole of it."""

    @property
    def seen(self) -> bool:
        """Whether it counts."""
        return self.score >= 0.5


NOTHING = Sight(0.0)


@dataclass(frozen=True)
class Look:
    """One picture, bounded in size, read once for all detectors."""

    stored: NDArray[np.generic]
    """(height, width) or (height, width, 3), as decoded."""
    window: tuple[float, float]
    """Values shown black and white."""

    @cached_property
    def full(self) -> NDArray[np.float32]:
        """Return grey values in [0, 1] at the stored size."""
        low, high = self.window
        shown: NDArray[np.float32] = np.clip((grey(self.stored) - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
        return shown

    @cached_property
    def scale(self) -> float:
        """Return stored pixels a pixel of `grey`."""
        return float(max(1.0, max(self.stored.shape[:2]) / LONGEST))

    @cached_property
    def grey(self) -> NDArray[np.float32]:
        """Return grey values in [0, 1], longest side at most `LONGEST`."""
        if self.scale == 1:
            return self.full
        height, width = (max(1, round(side / self.scale)) for side in self.full.shape)
        small = Image.fromarray(self.full).resize((width, height), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.float32)

    @cached_property
    def patch(self) -> NDArray[np.float32]:
        """Return the middle of the picture in stored pixels, as 8-bit grey values 0 to 255, at most `PATCH` a side."""
        height, width = self.full.shape
        top, left = max(0, height - PATCH) // 2, max(0, width - PATCH) // 2
        part: NDArray[np.float32] = self.full[top : top + PATCH, left : left + PATCH] * np.float32(255)
        return part

    @cached_property
    def colour(self) -> NDArray[np.float32] | None:
        """Return red, green and blue in [0, 1] at the size of `grey`, or None where there is one channel."""
        if self.stored.ndim == 2:
            return None
        low, high = self.window
        shown = np.clip((self.stored[..., :3].astype(np.float32) - low) / max(high - low, 1e-6), 0, 1)
        if self.scale == 1:
            return np.asarray(shown, dtype=np.float32)
        size = (self.grey.shape[1], self.grey.shape[0])
        bands = [
            Image.fromarray(np.ascontiguousarray(shown[..., k])).resize(size, Image.Resampling.BOX) for k in range(3)
        ]
        return np.stack([np.asarray(band, dtype=np.float32) for band in bands], axis=-1)

    @cached_property
    def chroma(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return saturation (largest minus smallest channel, 0 to 1) and hue angle, each of the shape of `grey`."""
        if self.colour is None:
            return np.zeros_like(self.grey), np.zeros_like(self.grey)
        red, green, blue = (self.colour[..., k] for k in range(3))
        high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
        hue = np.arctan2(np.sqrt(3, dtype=np.float32) * (green - blue), 2 * red - green - blue)
        return high - low, hue.astype(np.float32)

    @cached_property
    def content(self) -> Box:
        """Return what flat margins leave, in pixels of `grey`."""
        return content(self.grey)

    def box(self, rows: NDArray[np.integer[Any]], columns: NDArray[np.integer[Any]]) -> Box:
        """Return the box around pixels of `grey`, in pixels of the stored picture."""
        height, width = self.full.shape
        top, left = (int(v.min() * self.scale) for v in (rows, columns))
        bottom, right = (int(np.ceil((v.max() + 1) * self.scale)) for v in (rows, columns))
        return Box(top, left, min(bottom, height), min(right, width))
