"""How near images lie to training images, in an encoder's features and in thumbnails, on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.regions import thumbnails
from radassay.checks.space import Array, whitened
from radassay.contracts.check import Inputs
from radassay.images.sample import Sample
from radassay.stats.copies import Nearness, nearness
from radassay.stats.resample import codes


@dataclass(frozen=True)
class Near:
    """How near held-out and generated images lie to the training images, in both spaces."""

    features: dict[str, Nearness]
    """By sample: `training` (among itself, own patient left out), `held_out` and `synthetic`; in the features."""
    pictures: dict[str, Nearness]
    """The same of thumbnails."""
    held_out_score: Array
    """(m,) scatter units below the typical closeness of training images; the nearer of both spaces."""
    synthetic_score: Array
    synthetic_row: NDArray[np.intp]
    """(n,) training image of the space that decided."""

    @classmethod
    def of(cls, inputs: Inputs, synthetic: Sample, side: int) -> Near:
        """Return how near the samples lie, with thumbnails of this side in pixels."""
        samples = {"training": inputs.training, "held_out": inputs.held_out, "synthetic": synthetic}
        rows = dict(zip(samples, whitened(inputs, *samples.values()), strict=True))
        pictures = contrasts(side, *(sample.pixels for sample in samples.values()))
        spaces = [
            _nearness(rows, inputs.training),
            _nearness(dict(zip(samples, pictures, strict=True)), inputs.training),
        ]
        held_out = np.stack([_standard(space, "held_out") for space in spaces])
        made = np.stack([_standard(space, "synthetic") for space in spaces])
        decided = np.argmin(made, axis=0)
        nearest = np.stack([space["synthetic"].row for space in spaces])
        each = np.arange(len(synthetic))
        return cls(spaces[0], spaces[1], held_out.min(axis=0), made.min(axis=0), nearest[decided, each])


def _nearness(rows: Mapping[str, Array], training: Sample) -> dict[str, Nearness]:
    patient = codes(training.patients)
    near = {name: nearness(rows[name], rows["training"], patient) for name in ("held_out", "synthetic")}
    return {**near, "training": nearness(rows["training"], rows["training"], patient, patient)}


def _standard(near: Mapping[str, Nearness], name: str) -> Array:
    return standardised(near[name].closeness, near["training"].closeness)


def standardised(values: Array, reference: Array) -> Array:
    """Return values about the median of the reference, in units of its median absolute deviation."""
    middle = float(np.median(reference))
    scatter = float(np.median(np.abs(reference - middle)))
    return np.asarray((values - middle) / max(scatter, 1e-9))


def contrasts(side: int, *pixels: NDArray[np.float32]) -> list[Array]:
    """Return thumbnails less their mean, of norm 1, less the mean of the first sample, of norm 1 again.

    The squared distance of two rows is then 2 - 2 r, with r the correlation of what sets each image apart.
    """
    rows = [unit_rows(thumbnails(p, side).reshape(len(p), side * side)) for p in pixels]
    mean = rows[0].mean(axis=0)
    return [unit_rows(row - mean) for row in rows]


def unit_rows(rows: Array) -> Array:
    """Return rows less their mean, of norm 1; their products are correlations."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norm, 1e-9))


def one_a_patient(sample: Sample) -> NDArray[np.intp]:
    """Return the row of one image of each patient: that of the smallest image id, which is as good as random."""
    order = np.lexsort((sample.images, sample.patients))
    return np.asarray(order[np.unique(sample.patients[order], return_index=True)[1]], dtype=np.intp)
