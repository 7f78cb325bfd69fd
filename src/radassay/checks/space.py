"""The feature space in which generated images are compared with real ones, and when they cannot be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.check import Inputs
from radassay.images.sample import Sample
from radassay.stats.resample import half_samples
from radassay.stats.whitening import Whitening

Array = NDArray[np.float64]

FEWEST = 10
"""Images and patients below which nothing is compared."""
SPACE = "principal axes of the {} images, each over √(variance + 0.1 mean variance)"
BY_TRAINING, BY_HELD_OUT = SPACE.format("real training"), SPACE.format("held-out real")


def lacking(inputs: Inputs, fewest: int = FEWEST, *, encoded: bool = True) -> str:
    """Return why generated and real images cannot be compared, by features or (not `encoded`) pixels, or nothing."""
    if inputs.synthetic is None:
        return "no synthetic images were given"
    if encoded and inputs.encode is None:
        return "no encoder was given"
    parts = {"synthetic": inputs.synthetic, "held-out real": inputs.held_out, "real training": inputs.training}
    for name, sample in parts.items():
        if len(sample) < fewest:
            return f"{len(sample)} {name} images; at least {fewest} are needed"
        patients = len(np.unique(draws(sample)))
        if patients < fewest:
            return f"{name} images of {patients} patients; at least {fewest} are needed"
        if not np.isfinite(sample.pixels).all():
            return f"{name} images hold values that are not finite"
    return ""


def draws(sample: Sample) -> NDArray[np.str_]:
    """Return the independent unit of each image, where an image without a patient is a unit of its own row.

    A generator that gives the same picture twice drew it twice; by the picture's id these would be one unit.
    """
    rows = np.char.add(np.char.add(sample.patients, "#"), np.arange(len(sample)).astype(str))
    return np.where(np.char.startswith(sample.patients, "image:"), rows, sample.patients)


def whitened(inputs: Inputs, *samples: Sample, by: Sample | None = None) -> tuple[Array, ...]:
    """Return the features of samples, (n, d) each, whitened by the training images or by another sample.

    A sample looks rounder in a space that it has whitened itself than a new one does: distances between two samples
    are only fair in a space whitened by a third.
    """
    white = Whitening.fit(inputs.features(inputs.training if by is None else by))
    return tuple(white(inputs.features(sample)) for sample in samples)


def spaces(inputs: Inputs, by: Sample, *, halves: bool) -> list[Whitening]:
    """Return the space that a sample whitens, then those of balanced halves of its patients if they are asked for.

    What is measured in the halves' spaces tells how much a value owes to the chance of who the whitening was learned
    from.
    """
    x = inputs.features(by)
    parts = half_samples(draws(by)) if halves else ()
    return [Whitening.fit(x), *(Whitening.fit(x[half]) for half in parts)]


def labels_of(inputs: Inputs, fewest: int) -> list[str]:
    """Return the labels that have enough held-out and generated images of enough patients to be looked at alone."""
    assert inputs.synthetic is not None
    kept = []
    for label in np.unique(inputs.held_out.labels).tolist():
        parts = [draws(s)[s.labels == label] for s in (inputs.held_out, inputs.synthetic)]
        if all(len(np.unique(patients)) >= fewest for patients in parts):
            kept.append(label)
    return kept
