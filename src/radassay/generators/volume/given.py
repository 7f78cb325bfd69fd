"""What a generator of volumes is given: checked once, then taken a few at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radassay.errors import InputError
from radassay.generators.given import check_grey, check_labels
from radassay.generators.volume.tiles import Shape

Volumes = Sequence[NDArray[np.float32]]
"""(depth, height, width) float32 in [0, 1] each, read when asked for."""
WIDEST_SPACING_MM = 100.0


@dataclass(frozen=True)
class GivenVolumes:
    """The training volumes; only those of one batch are in memory."""

    volumes: Volumes
    numbers: NDArray[np.int64]
    """Class number of each volume."""
    spacing: NDArray[np.float32]
    """Log of the spacing of each volume over the usual one, (n, 3)."""
    device: torch.device

    @property
    def shape(self) -> Shape:
        """Return the shape of all volumes."""
        depth, height, width = self.volumes[0].shape
        return depth, height, width

    @property
    def classes(self) -> int:
        """Return how many classes there are."""
        return int(self.numbers.max()) + 1

    def at(self, rows: Sequence[int]) -> Tensor:
        """Return volumes, (n, 1, depth, height, width) in [-1, 1], on the device."""
        stacked = np.stack([np.asarray(self.volumes[row], dtype=np.float32) for row in rows])
        return torch.from_numpy(stacked).to(self.device)[:, None] * 2 - 1

    def rows(self, n: int, rng: np.random.Generator) -> list[int]:
        """Return n volumes, every class equally often whatever the number of its volumes."""
        classes = rng.permutation((np.arange(n) + rng.integers(self.classes)) % self.classes)
        return [int(rng.choice(np.flatnonzero(self.numbers == k))) for k in classes]


def check_volumes(volumes: Volumes, labels: NDArray[np.str_], spacing_mm: NDArray[np.float64], multiple: int) -> str:
    """Refuse volumes that cannot be learned from; return the SHA-256 of all of them, each read once.

    Args:
        volumes: should be of one shape, each side a multiple of `multiple`, in [0, 1].
        labels: should be as many strings.
        spacing_mm: should be (n, 3), positive.
        multiple: what the networks need.

    Raises:
        InputError: they are not.
    """
    if len(volumes) < 2:
        raise InputError("Too few training volumes", got=len(volumes), possible="At least 2; dozens are sensible")
    check_labels(labels, len(volumes))
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.shape != (len(volumes), 3) or not ((spacing > 0) & (spacing < WIDEST_SPACING_MM)).all():
        raise InputError("Every volume needs its spacing in mm along depth, height and width", got=spacing.tolist()[:3])
    shape = np.shape(volumes[0])
    if len(shape) != 3 or any(side % multiple or side < 2 * multiple for side in shape):
        possible = f"Sides that are multiples of {multiple}, from {2 * multiple}"
        raise InputError(
            "Training volumes of this shape cannot be learned from", got=f"shape {shape}", possible=possible
        )
    digest = hashlib.sha256(repr((shape, [str(v) for v in labels], spacing.round(6).tolist())).encode())
    for number, voxels in enumerate(volumes):
        if voxels.shape != shape:
            raise InputError(f"Volume {number} has another shape", got=voxels.shape, possible=f"Shape {shape} for all")
        check_grey(voxels[None], number, "Volume")
        digest.update(np.ascontiguousarray(voxels, dtype=np.float32).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Spacings:
    """How the spacing of the training volumes is spread: lognormal, without that of any single one."""

    centre: list[float]
    """Geometric mean, mm, along depth, height and width."""
    mixing: list[list[float]]
    """Square root of the covariance of the logarithms, (3, 3)."""

    @classmethod
    def of(cls, spacing_mm: NDArray[np.float64]) -> Spacings:
        """Return the spread of spacings (n, 3)."""
        log = np.log(np.asarray(spacing_mm, dtype=np.float64))
        values, vectors = np.linalg.eigh(np.cov(log.T) if len(log) > 1 else np.zeros((3, 3)))
        return cls(np.exp(log.mean(axis=0)).tolist(), (vectors * np.sqrt(values.clip(0))).tolist())

    def away(self, spacing_mm: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return log spacing over the geometric mean, (n, 3), in units in which a tenth is one."""
        log: NDArray[np.float64] = np.log(np.asarray(spacing_mm) / np.asarray(self.centre))
        return (10 * log).astype(np.float32)

    def draw(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """Return one spacing in mm, within two deviations."""
        log = np.asarray(self.mixing) @ rng.standard_normal(3).clip(-2, 2)
        z, y, x = (round(float(v), 4) for v in np.asarray(self.centre) * np.exp(log))
        return z, y, x
