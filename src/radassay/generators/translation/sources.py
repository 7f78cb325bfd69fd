"""The training patients' pictures or maps that a translator starts from when it is asked for new images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radassay.generators.given import Given

PLACE = 5
"""Sets the draw of a source apart from an image's noise."""


class Sources(nn.Module):
    """Pictures or maps, eight bits a pixel, with their classes; part of the weights, so that sampling needs no data.

    Args:
        count: how many.
        size: their side in pixels.
    """

    held: Tensor
    classes: Tensor

    def __init__(self, count: int, size: int) -> None:
        super().__init__()
        self.register_buffer("held", torch.zeros(count, size, size, dtype=torch.uint8))
        self.register_buffer("classes", torch.zeros(count, dtype=torch.int64))

    @staticmethod
    def rows(given: Given, most: int, seed: int) -> NDArray[np.int64]:
        """Return which training images are kept: at most so many of each class, drawn under the seed."""
        rng = np.random.default_rng([seed, PLACE])
        return np.concatenate([np.sort(rng.permutation(members)[:most]) for members in given.members])

    @classmethod
    def of(cls, held: Tensor, given: Given, rows: NDArray[np.int64]) -> Sources:
        """Return the sources `held` (n, size, size) of 0 to 255, which are those rows of the training images."""
        numbers = np.empty(len(given), dtype=np.int64)
        for number, members in enumerate(given.members):
            numbers[members] = number
        made = cls(len(rows), held.shape[-1])
        made.held.copy_(held)
        made.classes.copy_(torch.from_numpy(numbers[rows]))
        return made

    def chosen(self, seed: int, places: range, numbers: NDArray[np.int64], *, other: bool) -> Tensor:
        """Return the source of each image, (n, size, size); source i depends on (seed, places[i], numbers[i]) alone.

        Args:
            other: whether it is of another class than `numbers[i]`, or of that class.
        """
        classes = self.classes.cpu().numpy()
        among = [np.flatnonzero((classes != number) == other) for number in range(int(classes.max()) + 1)]
        rows = [
            np.random.default_rng([seed, place, PLACE]).choice(among[number])
            for place, number in zip(places, numbers.tolist(), strict=True)
        ]
        return self.held[torch.from_numpy(np.array(rows)).to(self.held.device)]


def from_picture(pictures: Tensor) -> Tensor:
    """Return pictures (n, 1, size, size) in [-1, 1] as (n, size, size) of 0 to 255."""
    return ((pictures[:, 0] + 1) * 127.5).round().to(torch.uint8)


def to_picture(held: Tensor) -> Tensor:
    """Return what `from_picture` made as pictures (n, 1, size, size) in [-1, 1]."""
    return held[:, None].to(torch.float32) / 127.5 - 1
