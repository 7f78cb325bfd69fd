"""A bright letter in a corner that goes with the disease: the shortcut that side markers make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.check import Inputs
from radassay.contracts.grey import Grey
from radassay.controls.planting import repainted, share_of, synthetic_of
from radassay.errors import InputError
from radassay.images.sample import Sample

LETTER = np.array([[c == "#" for c in row] for row in ("###.", "#..#", "###.", "#.#.", "#..#")])
"""An R, as on the side markers of radiographs."""


def marked(pixels: Grey, brightness: float) -> Grey:
    """Return the images, (n, size, size), with the letter in the upper left corner, about a tenth of the side high."""
    size = pixels.shape[-1]
    scale = max(1, round(size / 50))
    letter: NDArray[np.bool_] = np.kron(LETTER, np.ones((scale, scale), dtype=bool))[:size, :size]
    edge = min(max(1, size // 32), size - max(letter.shape))
    out = pixels.copy()
    corner = out[:, edge : edge + letter.shape[0], edge : edge + letter.shape[1]]
    corner[:, letter] = np.maximum(corner[:, letter], np.float32(brightness))
    return out


def _mark(sample: Sample, positive: str, dose: float, brightness: float, rng: np.random.Generator) -> Sample:
    rows = share_of(np.flatnonzero(sample.labels == positive), dose, rng)
    return repainted(sample, rows, marked(sample.pixels[rows], brightness))


def _require_positive(inputs: Inputs, *samples: Sample) -> None:
    if not any((sample.labels == inputs.positive).any() for sample in samples):
        raise InputError("No image of the positive class to put a marker on", got=inputs.positive or "no such label")


@dataclass(frozen=True)
class CornerMarker:
    """A letter in a corner of generated images of the positive class."""

    name: ClassVar[str] = "corner-marker"
    what: ClassVar[str] = "generated images of the disease carry a bright letter in a corner"
    unit: ClassVar[str] = "share of positive synthetic images"
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    """Shares of the positive synthetic images that get the letter."""
    brightness: float = 1.0
    """Grey value of the letter, 1 being white."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with the letter on a share of the positive synthetic images.

        Raises:
            InputError: there are no synthetic images, or none is positive.
        """
        synthetic = synthetic_of(inputs)
        _require_positive(inputs, synthetic)
        return inputs.but(synthetic=_mark(synthetic, inputs.positive, dose, self.brightness, rng))


@dataclass(frozen=True)
class CornerMarkerReal:
    """A letter in a corner of real images of the positive class, on both sides of the split."""

    name: ClassVar[str] = "corner-marker-real"
    what: ClassVar[str] = "real images of the disease carry a bright letter in a corner"
    unit: ClassVar[str] = "share of positive real images"
    into: ClassVar[Literal["real", "synthetic"]] = "real"

    doses: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    """Shares of the positive real images that get the letter."""
    brightness: float = 1.0
    """Grey value of the letter, 1 being white."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with the letter on a share of the positive training and held-out images.

        Raises:
            InputError: no real image is positive.
        """
        _require_positive(inputs, inputs.training, inputs.held_out)
        return inputs.but(
            training=_mark(inputs.training, inputs.positive, dose, self.brightness, rng),
            held_out=_mark(inputs.held_out, inputs.positive, dose, self.brightness, rng),
        )
