"""Looks at the volumes that are drawn while a training runs: three planes of one a class, and how alike bodies are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from radassay.contracts.grey import Grey
from radassay.generators.volume.given import GivenVolumes
from radassay.generators.watching import Draw, Watch

Whole = Callable[[nn.Module, int, int], NDArray[np.float32]]
"""A whole volume of a class from a network under a seed, (d, h, w) in [0, 1]."""
LOOKED_AT = 12
"""Bodies drawn coarsely for a look."""
REMEMBERED = 200
"""Training volumes, at most, that drawn ones are compared with."""


class VolumeWatch(Watch):
    """As `Watch`, on the middle axial slices of coarse bodies, which are cheap; the grid shows whole volumes.

    Args:
        given: the training volumes.
        middles: their coarse middle slices, (n, size, size) in [0, 1], and class numbers (n,).
        classes: names of the classes.
        seed: of what is drawn.
        whole: draws a whole volume.
    """

    def __init__(
        self,
        given: GivenVolumes,
        middles: tuple[Grey, NDArray[np.int64]],
        classes: NDArray[np.str_],
        seed: int,
        whole: Whole,
    ) -> None:
        super().__init__(*middles, classes, None, seed)
        self.whole, self.side = whole, max(given.shape)
        self.wanted = self.wanted[: max(LOOKED_AT, self.classes)]

    def grid(self, draw: Draw, network: nn.Module, seed: int) -> NDArray[np.float32]:
        """Return an axial, a coronal and a sagittal plane of one volume a class, (classes, 3, side, side)."""
        return np.stack([planes(self.whole(network, seed, k), self.side) for k in range(self.classes)])


def planes(volume: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the middle axial, coronal and sagittal planes, head up, on black squares, (3, side, side)."""
    depth, height, width = volume.shape
    out = np.zeros((3, side, side), dtype=np.float32)
    for number, plane in enumerate((volume[depth // 2], volume[::-1, height // 2], volume[::-1, :, width // 3])):
        out[number, : plane.shape[0], : plane.shape[1]] = plane
    return out
