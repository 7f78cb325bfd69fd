"""Known faults, planted in doses into images that have none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from radassay.contracts import Grey, Inputs
from radassay.controls.markers import CornerMarker, CornerMarkerReal
from radassay.controls.planting import Rows, partners, relabelled, repainted, share_of, synthetic_of
from radassay.errors import InputError

__all__ = ["Blur", "Collapse", "Copies", "CornerMarker", "CornerMarkerReal", "SharedImages", "ShuffledLabels"]


def noisy(pixels: Grey, noise: float, rng: np.random.Generator) -> Grey:
    """Return the images with Gaussian noise of this standard deviation, within [0, 1]."""
    grain = rng.standard_normal(pixels.shape, dtype=np.float32)
    out: Grey = np.clip(pixels + np.float32(noise) * grain, 0.0, 1.0)
    return out


@dataclass(frozen=True)
class Copies:
    """Training images passed off as generated ones."""

    name: ClassVar[str] = "copies"
    what: ClassVar[str] = "some generated images are copies of training images, with a trace of noise"
    unit: ClassVar[str] = "share of synthetic images"
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2)
    """Shares of the synthetic images that are replaced."""
    noise: float = 0.01
    """Standard deviation of the noise, in grey values from 0 to 1."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with a share of synthetic images replaced by training images of the same label."""
        synthetic = synthetic_of(inputs)
        rows = share_of(np.arange(len(synthetic)), dose, rng)
        donors = partners(synthetic.labels[rows], inputs.training.labels, rng)
        copies = noisy(inputs.training.pixels[donors], self.noise, rng)
        return inputs.but(synthetic=repainted(synthetic, rows, copies))


@dataclass(frozen=True)
class Collapse:
    """Mode collapse: the same few images over and over."""

    name: ClassVar[str] = "collapse"
    what: ClassVar[str] = "the generated images repeat a few motifs with small variations"
    unit: ClassVar[str] = "share of synthetic images"
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.8)
    """Shares of the synthetic images that are replaced."""
    motifs: int = 3
    """Images of each label that are repeated."""
    noise: float = 0.01
    """Standard deviation of the noise on each repeat, in grey values from 0 to 1."""
    gain: float = 0.03
    """Standard deviation of the factor on contrast of each repeat."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with a share of synthetic images replaced by near-repeats of a few of them."""
        synthetic = synthetic_of(inputs)
        motifs: Rows = np.concatenate(
            [
                rng.permutation(np.flatnonzero(synthetic.labels == label))[: self.motifs]
                for label in np.unique(synthetic.labels)
            ]
        )
        rows = share_of(np.arange(len(synthetic)), dose, rng)
        chosen = motifs[partners(synthetic.labels[rows], synthetic.labels[motifs], rng)]
        gains = 1.0 + self.gain * rng.standard_normal((len(rows), 1, 1), dtype=np.float32)
        repeats = noisy(synthetic.pixels[chosen] * gains, self.noise, rng)
        return inputs.but(synthetic=repainted(synthetic, rows, repeats))


@dataclass(frozen=True)
class Blur:
    """Blurred images."""

    name: ClassVar[str] = "blur"
    what: ClassVar[str] = "all generated images are blurred"
    unit: ClassVar[str] = "pixels (sigma)"
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.3, 0.5, 0.75, 1.0, 2.0)
    """Standard deviations of the Gaussian, in pixels of the images as compared."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with all synthetic images blurred; nothing is random.

        Raises:
            InputError: there are no synthetic images, or the dose is negative.
        """
        synthetic = synthetic_of(inputs)
        if dose < 0.0:
            raise InputError("A blur has no negative width", got=dose)
        if dose == 0.0:
            return inputs
        blurred = gaussian_filter(synthetic.pixels, sigma=(0.0, dose, dose), mode="nearest")
        return inputs.but(synthetic=repainted(synthetic, np.arange(len(synthetic)), blurred))


@dataclass(frozen=True)
class ShuffledLabels:
    """Labels that do not belong to their images."""

    name: ClassVar[str] = "shuffled-labels"
    what: ClassVar[str] = "the labels of some generated images are exchanged among them"
    unit: ClassVar[str] = "share of synthetic images"
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    """Shares of the synthetic images whose labels are permuted."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with the labels of a share of synthetic images permuted among these.

        At dose 1 label and image are independent. A permuted label may be the old one by chance.
        """
        synthetic = synthetic_of(inputs)
        rows = share_of(np.arange(len(synthetic)), dose, rng)
        if len(rows) == 0:
            return inputs
        labels = synthetic.labels.copy()
        labels[rows] = labels[rng.permutation(rows)]
        return inputs.but(synthetic=relabelled(synthetic, labels))


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
        size = inputs.held_out.pixels.shape[-1]
        shared = np.empty((len(rows), size, size), dtype=np.float32)
        for i, donor in enumerate(donors):
            gain, shift, cut, left, top = rng.uniform(-1.0, 1.0, 5)
            side = size * (1.0 - self.zoom * abs(cut))
            left, top = (size - side) * (left + 1.0) / 2.0, (size - side) * (top + 1.0) / 2.0
            picture = Image.fromarray(inputs.training.pixels[donor]).resize(
                (size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side)
            )
            shared[i] = 0.5 + (np.asarray(picture) - 0.5) * (1.0 + self.contrast * gain) + self.brightness * shift
        return inputs.but(held_out=repainted(inputs.held_out, rows, shared))
