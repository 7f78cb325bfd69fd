"""Tiles of a volume: where they lie, and how what they say is blended so that no border shows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Shape = tuple[int, int, int]


def starts(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin along one axis: as few as cover it with at least `overlap`, evenly apart."""
    if tile >= length:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def ramp(tile: int, overlap: int) -> Tensor:
    """Return the weight of a tile along one axis, (tile,): 1 in the middle, falling to its ends, never 0."""
    from_end = torch.minimum(torch.arange(tile), torch.arange(tile).flip(0)) + 1
    return (from_end / (overlap + 1)).clamp(max=1.0)


class Tiling:
    """Overlapping tiles over a volume, blended by smooth weights (the consensus of Bar-Tal et al. 2023).

    Every tile is drawn anew at each step of the sampler and only then blended, so that neighbours agree on what lies
    between them. Weights are products of one-dimensional ramps: nothing as large as the volume is kept for them.
    """

    def __init__(self, shape: Shape, tile: Shape, overlap: int) -> None:
        self.shape = shape
        self.tile = (min(tile[0], shape[0]), min(tile[1], shape[1]), min(tile[2], shape[2]))
        self.along = [starts(n, t, min(overlap, t // 2)) for n, t in zip(self.shape, self.tile, strict=True)]
        self.ramps, self.sums = [], []
        for n, t, begin in zip(self.shape, self.tile, self.along, strict=True):
            weight = ramp(t, min(overlap, t // 2)) if len(begin) > 1 else torch.ones(t)
            total = torch.zeros(n)
            for first in begin:
                total[first : first + t] += weight
            self.ramps.append(weight)
            self.sums.append(total)

    def __iter__(self) -> Iterator[Shape]:
        """Yield the first voxel of each tile, in a fixed order."""
        return iter(itertools.product(*self.along))  # type: ignore[arg-type]

    def at(self, start: Shape) -> tuple[slice, slice, slice]:
        """Return the slices of a tile."""
        z, y, x = (slice(first, first + length) for first, length in zip(start, self.tile, strict=True))
        return z, y, x

    def blended(self, drawn: Callable[[Shape], Tensor], like: Tensor) -> Tensor:
        """Return the weighted mean of what is drawn for each tile, (d, h, w).

        Args:
            drawn: gives a tile (d, h, w) by its first voxel.
            like: a volume whose device the result takes.
        """
        z, y, x = (weight.to(like.device) for weight in self.ramps)
        weight = z[:, None, None] * y[:, None] * x
        out = torch.zeros(self.shape, device=like.device)
        for start in self:
            out[self.at(start)] += weight * drawn(start)
        for axis, total in enumerate(self.sums):
            out /= total.to(like.device).reshape([-1 if a == axis else 1 for a in range(3)])
        return out
