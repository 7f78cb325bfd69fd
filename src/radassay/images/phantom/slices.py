"""Axial CT: the same organs, bones and vessels sampled in a slice, in Hounsfield units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radassay.images.phantom.anatomy import AIR_HU, BREAST_HU, FAT_HU, SOFT_HU, Chest
from radassay.images.phantom.disease import Opacities
from radassay.images.phantom.geometry import Array, Points, filled, splat
from radassay.images.phantom.nodules import Nodules
from radassay.images.phantom.skeleton import bones, vertebrae
from radassay.images.phantom.vessels import vessels


@dataclass(frozen=True)
class Slice:
    """One axial slice without noise; row 0 is the front, column 0 the patient's right."""

    hu: Array
    """(size, size), HU."""
    lung: Array
    """Share of each voxel that is lung, vessels included, in [0, 1]."""
    heart: Array
    """Share of each voxel that is heart, in [0, 1]."""
    opacity: Array
    """HU added by opacities."""
    nodule: Array
    """Share of each voxel that is nodule, in [0, 1]."""


class Volume:
    """The CT of one chest: any slice, at any size.

    Args:
        chest: anatomy in its pose.
        opacities: disease, if any.
        size: rows and columns.
        field_mm: side of the slice.
        nodules: balls within the lungs, if any.
    """

    def __init__(
        self,
        chest: Chest,
        opacities: Opacities | None,
        size: int,
        field_mm: float = 380.0,
        nodules: Nodules | None = None,
    ) -> None:
        self.chest, self.opacities, self.nodules, self.size = chest, opacities, nodules, size
        self.pitch = field_mm / size
        self.along = (((np.arange(size) + 0.5) - size / 2) * self.pitch).astype(np.float32)
        self.bones, self.vessels = bones(chest), vessels(chest)

    def at(self, z: float, thickness: float) -> Slice:
        """Return the slice at height z (mm), as thick as asked (mm)."""
        chest, x, y = self.chest, self.along, self.along[:, None]
        height = np.full_like(x, z)
        body = filled(y, chest.body(x, height), self.pitch)
        muscle = filled(y, chest.muscle(x, height), self.pitch)
        lung = filled(y, chest.cage(x, height), self.pitch)
        heart = np.zeros_like(lung)
        for part in chest.heart(x, height):
            heart = np.maximum(heart, filled(y, part, self.pitch))
        for dent in chest.dents(x, height):
            lung = lung * (1 - filled(y, dent, self.pitch))
        heart = heart * (1 - filled(y, chest.domes(x, height), self.pitch))
        hu = AIR_HU + (FAT_HU - AIR_HU) * body + (SOFT_HU - FAT_HU) * muscle
        hu += (BREAST_HU - FAT_HU) * (body - muscle) * self._in_breast(height)
        hu -= (SOFT_HU - chest.person.lung) * lung
        gas = filled(y, chest.airway(x, height), self.pitch) + filled(y, chest.stomach(x, height), self.pitch)
        hu -= (SOFT_HU - AIR_HU) * np.minimum(gas, 1.0)
        column, added = vertebrae(chest, x, height)
        hu += filled(y, column, self.pitch) * added
        added_opacity = self._opacity(z, thickness, y) * lung
        # a vessel inside a lung fills its voxels, so that neither vessels nor opacities exceed soft tissue there
        inside = np.minimum(self._points(self.vessels, z, thickness) + added_opacity, SOFT_HU - chest.person.lung + 30)
        hu += inside + self._points(self.bones, z, thickness)
        nodule = np.zeros_like(lung)
        if self.nodules is not None:
            for share, density in zip(self.nodules.filled(x, z, thickness, self.pitch), self.nodules.hu, strict=True):
                hu += share * (density - hu)
                nodule = np.maximum(nodule, share)
        return Slice(hu.astype(np.float32), lung, heart, added_opacity, nodule)

    def _in_breast(self, height: Array) -> Array:
        breast = self.chest.breast(self.along, height)
        front, _ = self.chest.body(self.along, height)
        inside: Array = (self.along[:, None] < front + breast).astype(np.float32)
        return inside

    def _points(self, points: Points, z: float, thickness: float) -> Array:
        near = np.abs(points.z - z) < thickness / 2
        middle = np.float32(self.size / 2 - 0.5)
        row, column = points.y[near] / self.pitch + middle, points.x[near] / self.pitch + middle
        return splat(row, column, points.mass[near], self.size) / np.float32(self.pitch**2 * thickness)

    def _opacity(self, z: float, thickness: float, y: Array) -> Array:
        total = np.zeros((self.size, self.size), dtype=np.float32)
        o = self.opacities
        if o is None:
            return total
        for x0, y0, z0, sigma, peak in zip(o.x, o.y, o.z, o.sigma, o.peak, strict=True):
            wide = float(np.hypot(sigma, thickness / 3.5))
            if abs(z0 - z) > 3.5 * wide:
                continue
            height = peak * sigma / wide * np.exp(-0.5 * ((z - z0) / wide) ** 2)
            across = np.exp(-0.5 * ((self.along - x0) / sigma) ** 2)
            total += np.exp(-0.5 * ((y - y0) / sigma) ** 2) * (height * across)
        return total
