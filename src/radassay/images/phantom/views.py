"""Other views of a simulated chest, from its CT: the lateral film, and slices as 8-bit pictures.

The chest is sampled once as a coarse block of voxels; every view is a sum or a cut of that block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radassay.images.intensity import LUNG_WINDOW_HU
from radassay.images.phantom.anatomy import Chest
from radassay.images.phantom.disease import Opacities
from radassay.images.phantom.geometry import Array
from radassay.images.phantom.hospital import Hospital
from radassay.images.phantom.projection import CENTRE_Z
from radassay.images.phantom.slices import Volume

FIELD_MM = 380.0
"""Side of the block, mm."""
Plane = Literal["axial", "coronal", "sagittal"]


@dataclass(frozen=True)
class Block:
    """One simulated chest as a cube of voxels: rows from the head down, then front to back, then right to left."""

    chest: Chest
    opacities: Opacities | None = None
    size: int = 104
    """Voxels a side; at 104 a block takes about 0.15 s and 4.5 MB."""

    @property
    def pitch(self) -> float:
        """Return the side of a voxel, mm."""
        return FIELD_MM / self.size

    @cached_property
    def hu(self) -> Array:
        """Return the voxels, (size, size, size), HU."""
        volume = Volume(self.chest, self.opacities, self.size, FIELD_MM)
        heights = CENTRE_Z + (self.size / 2 - 0.5 - np.arange(self.size)) * self.pitch
        return np.stack([volume.at(float(z), self.pitch).hu for z in heights])

    def depth(self, axis: int) -> Array:
        """Return mm of water along axis 1 (a frontal film) or 2 (a lateral one), (size, size); row 0 is the head."""
        total: Array = np.maximum(1 + self.hu / 1000, 0).sum(axis=axis, dtype=np.float32) * np.float32(self.pitch)
        return total

    def lateral(self, hospital: Hospital, rng: np.random.Generator) -> Array:
        """Return a lateral film, (size, size) grey values in [0, 1]; the patient faces the left edge."""
        depth = self.depth(2)
        # the exposure control sets the dose by what lies behind the middle of the film
        thick = float(np.median(depth[self.size // 3 : 2 * self.size // 3, self.size // 3 : 2 * self.size // 3]))
        return hospital.film(depth, self.pitch, 200.0 + (thick - 140.0), rng)

    def cut(self, plane: Plane, place: float, window: tuple[float, float] = LUNG_WINDOW_HU) -> NDArray[np.uint8]:
        """Return a slice as an 8-bit picture, (size, size).

        Args:
            plane: which way it is cut.
            place: where along the block, 0 to 1, from head, front or right.
            window: HU shown black and white.
        """
        index = min(int(place * self.size), self.size - 1)
        hu = np.moveaxis(self.hu, ("axial", "coronal", "sagittal").index(plane), 0)[index]
        low, high = window
        shown: NDArray[np.uint8] = np.rint(np.clip((hu - low) / (high - low), 0, 1) * 255).astype(np.uint8)
        return shown
