"""Faults of a set of generated images: copies, collapse, labels that do not belong to their images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from radassay.contracts.check import Inputs
from radassay.controls.planting import Rows, noise_of, partners, relabelled, repainted, share_of, synthetic_of


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
        taken = inputs.training.take(donors)
        copies = taken.pixels + np.float32(self.noise) * noise_of(taken)
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
        grain = rng.standard_normal(synthetic.pixels[rows].shape, dtype=np.float32)
        repeats = synthetic.pixels[chosen] * gains + np.float32(self.noise) * grain
        return inputs.but(synthetic=repainted(synthetic, rows, repeats))


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
