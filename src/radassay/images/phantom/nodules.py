"""Lung nodules: balls of known place, diameter and density, for CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radassay.images.phantom.anatomy import Chest
from radassay.images.phantom.geometry import Array, columns

DIAMETER_MM = (5.0, 30.0)
"""Smallest and largest nodule: smaller ones are seldom followed, larger ones are masses (Hansell et al. 2008)."""
LAYERS = 3
"""Heights at which a ball is cut within the thickness of a slice."""
TRIES = 300
"""Places tried for each nodule; one that fits nowhere is left out."""


@dataclass(frozen=True)
class Nodules:
    """Balls within the lungs; arrays of one length."""

    x: Array
    y: Array
    z: Array
    diameter_mm: Array
    hu: Array
    """Density: solid 20 to 60 HU, in a quarter of them ground glass of -650 to -350 HU."""

    @classmethod
    def draw(cls, chest: Chest, rng: np.random.Generator) -> Nodules:
        """Return one to four nodules that lie whole within the lungs of a chest, apart from each other.

        Diameters are lognormal around 12 mm (sigma 0.4), within `DIAMETER_MM`.
        """
        count = int(rng.integers(1, 5))
        diameter = np.clip(12.0 * np.exp(0.4 * rng.standard_normal(count)), *DIAMETER_MM)
        glass = rng.random(count) < 0.25
        hu = np.where(glass, rng.uniform(-650, -350, count), rng.uniform(20, 60, count))
        reach = np.array([chest.half_width, chest.depth, 0.0])
        bottom = -130.0 * chest.scale - chest.down
        kept: list[tuple[int, np.ndarray]] = []
        for ball in range(count):
            tried = rng.uniform(-1, 1, (TRIES, 3)) * reach
            tried[:, 2] = rng.uniform(bottom, chest.apex, TRIES)
            at = tried.astype(np.float32)
            radius = float(diameter[ball]) / 2
            surface = (at[:, None] + np.float32(radius + 1.0) * _directions()).reshape(-1, 3)
            fits = chest.in_lung(*columns(surface)).reshape(TRIES, -1).all(axis=1)
            for other, place in kept:
                fits &= np.linalg.norm(tried - place, axis=1) > radius + diameter[other] / 2 + 2
            if fits.any():
                kept.append((ball, tried[int(fits.argmax())]))
        chosen = [ball for ball, _ in kept]
        places = np.array([place for _, place in kept]).reshape(-1, 3)
        return cls(*(v.astype(np.float32) for v in (*places.T, diameter[chosen], hu[chosen])))

    def filled(self, along: Array, z: float, thickness: float, pitch: float) -> list[Array]:
        """Return the share of each voxel of a slice that each nodule fills, (size, size) in [0, 1].

        Args:
            along: coordinates of rows and of columns, mm.
            z: height of the slice, mm.
            thickness: of the slice, mm.
            pitch: side of a voxel, mm.
        """
        heights = z + thickness * ((np.arange(LAYERS) + 0.5) / LAYERS - 0.5)
        shares = []
        for x0, y0, z0, diameter in zip(self.x, self.y, self.z, self.diameter_mm, strict=True):
            share = np.zeros((len(along), len(along)), dtype=np.float32)
            if abs(z0 - z) < (diameter + thickness) / 2:
                square = (along[:, None] - y0) ** 2 + (along[None] - x0) ** 2
                for height in heights:
                    away = np.sqrt(square + np.float32((height - z0) ** 2))
                    share += np.clip((diameter / 2 - away) / np.float32(pitch) + 0.5, 0, 1) / np.float32(LAYERS)
            shares.append(share)
        return shares


def _directions(count: int = 48) -> Array:
    """Return directions spread evenly over a sphere by the golden angle, (count, 3)."""
    height = 1 - (2 * np.arange(count) + 1) / count
    turn, wide = np.pi * (3 - np.sqrt(5)) * np.arange(count), np.sqrt(1 - height**2)
    return np.stack([wide * np.cos(turn), wide * np.sin(turn), height], axis=1).astype(np.float32)
