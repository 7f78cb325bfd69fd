"""The same radiograph in another picture: cut, turned and windowed a little differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from radassay.contracts.check import Inputs
from radassay.contracts.grey import Grey
from radassay.controls.planting import Rows, of_picture, partners, repainted, share_of, synthetic_of
from radassay.images.sample import Sample


@dataclass(frozen=True)
class Retake:
    """How far a picture is altered at most; how far it is, depends on the picture alone."""

    contrast: float
    """Relative change of contrast."""
    brightness: float
    """Change of grey values, 1 being the whole range."""
    zoom: float
    """Share of the side that is cut away, anywhere, before the rest is enlarged again."""
    turn: float = 0.0
    """Degrees by which the picture is turned."""

    def of(self, sample: Sample, rows: Rows) -> Grey:
        """Return these rows of a sample altered, (len(rows), size, size)."""
        size = sample.pixels.shape[-1]
        out = np.empty((len(rows), size, size), dtype=np.float32)
        for i, row in enumerate(rows):
            gain, light, cut, left, top, angle = of_picture(sample.images[row], "retake").uniform(-1.0, 1.0, 6)
            side = size * (1.0 - self.zoom * abs(cut))
            seen = _cut_out(
                sample.pixels[row],
                side,
                (size - side) * (left + 1.0) / 2.0,
                (size - side) * (top + 1.0) / 2.0,
                self.turn * angle,
            )
            out[i] = 0.5 + (seen - 0.5) * (1.0 + self.contrast * gain) + self.brightness * light
        return out


def _cut_out(picture: NDArray[np.float32], side: float, left: float, top: float, angle: float) -> NDArray[np.float32]:
    """Return a square of the picture, turned about its middle by degrees, enlarged to the picture's size."""
    size = picture.shape[-1]
    scale, turn = side / size, np.deg2rad(angle)
    along, across = scale * np.cos(turn), scale * np.sin(turn)
    middle = (size - 1) / 2.0
    there = np.array([left, top]) + (side - 1) / 2.0
    matrix = np.array(
        [
            [along, -across, there[0] - along * middle + across * middle],
            [across, along, there[1] - across * middle - along * middle],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, dtype=np.float32)


@dataclass(frozen=True)
class NearCopies:
    """Training images passed off as generated ones after a little handling."""

    name: ClassVar[str] = "near-copies"
    what: ClassVar[str] = (
        "some generated images are training images, slightly cut, shifted, turned and in another window"
    )
    unit: ClassVar[str] = "share of synthetic images"
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2)
    """Shares of the synthetic images that are replaced."""
    contrast: float = 0.2
    """Largest relative change of contrast."""
    brightness: float = 0.05
    """Largest change of grey values, 1 being the whole range."""
    zoom: float = 0.1
    """Largest share of the side that is cut away, anywhere, before the image is enlarged again."""
    turn: float = 4.0
    """Largest turn in degrees."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with a share of synthetic images replaced by altered training images of the same label."""
        synthetic = synthetic_of(inputs)
        rows = share_of(np.arange(len(synthetic)), dose, rng)
        donors = partners(synthetic.labels[rows], inputs.training.labels, rng)
        retake = Retake(self.contrast, self.brightness, self.zoom, self.turn)
        return inputs.but(synthetic=repainted(synthetic, rows, retake.of(inputs.training, donors)))


@dataclass(frozen=True)
class SharedImages:
    """The same pictures on both sides of the split, under other patients' names."""

    name: ClassVar[str] = "shared-images"
    what: ClassVar[str] = "some held-out images are training images in another window and slightly larger"
    unit: ClassVar[str] = "share of held-out images"
    into: ClassVar[Literal["real", "synthetic"]] = "real"

    doses: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2)
    """Shares of the held-out images that are replaced."""
    contrast: float = 0.1
    """Largest relative change of contrast."""
    brightness: float = 0.03
    """Largest change of grey values, 1 being the whole range."""
    zoom: float = 0.03
    """Largest share of the side that is cut away before the image is enlarged again."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with a share of held-out images replaced by training images of the same label.

        Patients stay as they were, so that nothing but pixels tells.
        """
        rows = share_of(np.arange(len(inputs.held_out)), dose, rng)
        donors = partners(inputs.held_out.labels[rows], inputs.training.labels, rng)
        shared = Retake(self.contrast, self.brightness, self.zoom).of(inputs.training, donors)
        return inputs.but(held_out=repainted(inputs.held_out, rows, shared))
