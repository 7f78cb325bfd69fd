"""Faults of the picture itself, planted into all generated images alike: nothing about them is random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from radassay.contracts.check import Inputs
from radassay.contracts.grey import Grey
from radassay.controls.planting import noise_of, repainted, share_of, synthetic_of
from radassay.errors import InputError
from radassay.images.sample import Sample

GREY_RANGE = "share of the grey range"


def _all_of(inputs: Inputs, dose: float) -> Sample:
    """Return the synthetic images, all of which are altered.

    Raises:
        InputError: there are none, or the dose is negative.
    """
    if dose < 0.0:
        raise InputError("A fault has no negative dose", got=dose)
    return synthetic_of(inputs)


def _all_replaced(inputs: Inputs, sample: Sample, pixels: Grey, dose: float) -> Inputs:
    return inputs.but(synthetic=repainted(sample, np.arange(len(sample)), pixels)) if dose else inputs


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
        """Return the inputs with all synthetic images blurred; nothing is random."""
        sample = _all_of(inputs, dose)
        blurred = gaussian_filter(sample.pixels, sigma=(0.0, dose, dose), mode="nearest")
        return _all_replaced(inputs, sample, blurred, dose)


@dataclass(frozen=True)
class Noise:
    """Grain all over the images."""

    name: ClassVar[str] = "noise"
    what: ClassVar[str] = "all generated images are grainy"
    unit: ClassVar[str] = GREY_RANGE
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.005, 0.01, 0.02, 0.05, 0.1)
    """Standard deviations of Gaussian noise, 1 being the whole range of grey."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with noise on all synthetic images; the grain of a picture depends on the picture alone."""
        sample = _all_of(inputs, dose)
        return _all_replaced(inputs, sample, sample.pixels + np.float32(dose) * noise_of(sample), dose)


@dataclass(frozen=True)
class Checkerboard:
    """The pattern that upsampling layers leave behind (Odena et al., Distill 2016, doi:10.23915/distill.00003)."""

    name: ClassVar[str] = "checkerboard"
    what: ClassVar[str] = "all generated images carry a faint chequered pattern, pixel by pixel"
    unit: ClassVar[str] = GREY_RANGE
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.002, 0.005, 0.01, 0.02, 0.05)
    """How far light and dark squares lie from the picture's grey, 1 being the whole range."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with the pattern on all synthetic images; nothing is random."""
        sample = _all_of(inputs, dose)
        rows, columns = np.indices(sample.pixels.shape[1:])
        squares = np.where((rows + columns) % 2 == 0, np.float32(dose), np.float32(-dose))
        return _all_replaced(inputs, sample, sample.pixels + squares, dose)


@dataclass(frozen=True)
class WrongWindow:
    """Images as if seen in a narrower and brighter or darker window."""

    name: ClassVar[str] = "wrong-window"
    what: ClassVar[str] = "all generated images are shown in another window: harder and darker"
    unit: ClassVar[str] = GREY_RANGE
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.4)
    """Shares of the grey range that the window cuts off; what remains is spread over the whole range."""
    dark: float = 0.75
    """Share of this that is cut off at the dark end; above one half, images grow darker."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with all synthetic images in that window; nothing is random.

        Raises:
            InputError: the dose leaves no range of grey.
        """
        sample = _all_of(inputs, dose)
        if dose >= 1.0:
            raise InputError("A window must leave some of the grey range", got=dose, possible="a dose below 1")
        low = np.float32(dose * self.dark)
        return _all_replaced(inputs, sample, (sample.pixels - low) / np.float32(1.0 - dose), dose)


@dataclass(frozen=True)
class Mirrored:
    """Left and right exchanged."""

    name: ClassVar[str] = "mirrored"
    what: ClassVar[str] = "some generated images are mirrored, so that the heart lies on the wrong side"
    unit: ClassVar[str] = "share of synthetic images"
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    """Shares of the synthetic images that are mirrored."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs with a share of synthetic images mirrored, left for right."""
        sample = synthetic_of(inputs)
        rows = share_of(np.arange(len(sample)), dose, rng)
        return inputs.but(synthetic=repainted(sample, rows, sample.pixels[rows][:, :, ::-1]))
