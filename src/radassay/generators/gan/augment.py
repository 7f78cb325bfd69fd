"""Augmentation of what the discriminator sees, so that a few hundred images suffice (Zhao et al. 2020, DiffAugment)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Augment:
    """Small changes a radiograph survives; real and drawn pictures get them alike, so none leaks into samples."""

    shift: float = 0.0
    """Largest translation, as a share of the side."""
    intensity: float = 0.0
    """Largest change of brightness and contrast, as a share of the grey range."""
    cutout: float = 0.0
    """Side of the square cut out of every second picture, as a share of the side."""
    flip: bool = False
    """Whether to mirror left and right; off, since it moves the heart to the other side."""

    def draw(self, n: int, size: int, rng: np.random.Generator) -> Changes:
        """Return the changes for n pictures of one size."""
        if self == Augment():
            still = np.tile(np.arange(size), (n, 2, 1))
            return Changes(still, np.ones((n, 1, 1), bool), np.ones(n, np.float32), np.zeros(n, np.float32))
        reach, edge = int(self.shift * size), int(self.cutout * size)
        cut = rng.integers(0, size, (n, 2))
        hidden = rng.random(n) < 0.5 if edge else np.zeros(n, dtype=bool)
        near = np.abs(np.arange(size)[None, None] - cut[:, :, None]) <= edge // 2
        keep = ~(near[:, 0, :, None] & near[:, 1, None, :] & hidden[:, None, None])
        places = np.arange(size)[None, None] + rng.integers(-reach, reach + 1, (n, 2))[:, :, None]
        places = places.clip(0, size - 1)
        if self.flip:
            places[:, 1] = np.where(rng.random(n)[:, None] < 0.5, size - 1 - places[:, 1], places[:, 1])
        gain = 1 + rng.uniform(-self.intensity, self.intensity, n)
        offset = rng.uniform(-self.intensity, self.intensity, n)
        return Changes(places, keep, gain.astype(np.float32), offset.astype(np.float32))


@dataclass(frozen=True)
class Changes:
    """One drawing of the augmentation."""

    places: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    """(n, 2, size): the row and the column that each row and column is taken from; edges repeat."""
    keep: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    """(n, size, size): False where cut out."""
    gain: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    """(n,): factor of the contrast."""
    offset: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    """(n,): added brightness, in units of half the grey range."""

    def at(self, rows: slice) -> Changes:
        """Return the changes of some of the pictures."""
        return Changes(self.places[rows], self.keep[rows], self.gain[rows], self.offset[rows])

    def apply(self, pictures: Tensor) -> Tensor:
        """Return the changed pictures, (n, 1, size, size); gradients flow through."""
        device = pictures.device
        places = torch.from_numpy(self.places).to(device)
        rows = torch.arange(len(pictures), device=device)[:, None, None]
        moved = pictures[:, 0][rows, places[:, 0, :, None], places[:, 1, None, :]]
        gain, offset = (torch.from_numpy(v).to(device)[:, None, None] for v in (self.gain, self.offset))
        changed = (moved * gain + offset) * torch.from_numpy(self.keep).to(device)
        return changed[:, None]
