"""What a generator of volumes must do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.progress import Report, silent


class DrawnVolume(NamedTuple):
    """One generated volume."""

    voxels: NDArray[np.float32]
    """(depth, height, width) in [0, 1]; the first slice lies lowest, its first row in front."""
    spacing_mm: tuple[float, float, float]
    """Distance between voxel centres along depth, height and width."""


class VolumeGenerator(Protocol):
    """Learns from real volumes and makes new ones, in bounded memory.

    Contract:
        - `fit` takes volumes one at a time from a sequence, (depth, height, width) float32 in [0, 1], all of one shape,
          with the distance between voxel centres of each, (n, 3) in mm; it never holds all of them.
        - As with `Generator`: killed and called again it carries on to the same weights; a finished folder is left as
          it is; weights are safetensors; bad input is an `InputError` before any training; grids and progress.
        - `sample` yields one volume a label, one after the other; volume i depends on (seed, i, labels[i], shape)
          alone. Another shape than that of the training volumes shows more or less of the body, never other voxels.
        - `sample` needs no more than `sampling_bytes(shape)` of memory beyond the networks' own.
    """

    name: ClassVar[str]
    paper: ClassVar[str]

    def fit(
        self,
        volumes: Sequence[NDArray[np.float32]],
        labels: NDArray[np.str_],
        spacing_mm: NDArray[np.float64],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
    ) -> None: ...

    def sample(
        self, labels: NDArray[np.str_], folder: Path, *, seed: int, shape: tuple[int, int, int] | None = None
    ) -> Iterator[DrawnVolume]: ...

    def sampling_bytes(self, shape: tuple[int, int, int]) -> int: ...
