"""How a fault gets into a sample: which images, and what changes in their rows."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.check import Inputs
from radassay.contracts.grey import Grey
from radassay.errors import InputError
from radassay.images.sample import Sample
from radassay.images.store import pixels_id

Rows = NDArray[np.intp]


def synthetic_of(inputs: Inputs) -> Sample:
    """Return the synthetic images.

    Raises:
        InputError: there are none.
    """
    if inputs.synthetic is None:
        raise InputError("There are no synthetic images to plant a fault into")
    return inputs.synthetic


def share_of(rows: Rows, dose: float, rng: np.random.Generator) -> Rows:
    """Return a random share of the rows: never more than the dose, so that no limit of detection is flattered.

    For one state of the generator the rows of a smaller dose are among those of a larger one.

    Raises:
        InputError: the dose is no share.
    """
    if not 0.0 <= dose <= 1.0:
        raise InputError("A dose that is a share lies between 0 and 1", got=dose)
    # 1e-9: 0.3 of 10 is 3, whatever binary fractions make of it.
    count = math.floor(dose * len(rows) + 1e-9)
    chosen: Rows = rng.permutation(rows)[:count]
    return chosen


def repainted(sample: Sample, rows: Rows, pixels: Grey) -> Sample:
    """Return the sample with new pixels, (len(rows), size, size), at these rows, under new image ids."""
    if len(rows) == 0:
        return sample
    canvas, images = sample.pixels.copy(), sample.images.copy()
    canvas[rows] = np.clip(pixels, 0.0, 1.0)
    images = images.astype(np.dtypes.StrDType(max(64, images.dtype.itemsize // 4)))
    images[rows] = [pixels_id(canvas[row]) for row in rows]
    return sample.changed(
        name=sample.name, pixels=canvas, images=images, table=_column(sample, "image", images.astype(object))
    )


def of_picture(image: str, *names: object) -> np.random.Generator:
    """Return the random stream of a picture: what it decides is the same whenever this picture is altered.

    So a picture altered alike comes again in other repeats, and what was computed of it can be kept.
    """
    digest = hashlib.sha256(repr((str(image), *names)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def noise_of(sample: Sample) -> Grey:
    """Return standard normal noise, (n, size, size), that depends on each picture alone."""
    noise = np.empty_like(sample.pixels)
    for i, image in enumerate(sample.images):
        noise[i] = of_picture(image, "noise").standard_normal(noise.shape[1:], dtype=np.float32)
    return noise


def relabelled(sample: Sample, labels: NDArray[np.str_]) -> Sample:
    """Return the sample with other labels, in its table too."""
    return sample.changed(name=sample.name, labels=labels, table=_column(sample, "label", labels.astype(object)))


def partners(labels: NDArray[np.str_], pool: NDArray[np.str_], rng: np.random.Generator) -> Rows:
    """Return for each label a row of the pool with that label, each row used once before any is used again.

    A label that the pool lacks gets rows of any label.
    """
    chosen = np.empty(len(labels), dtype=np.intp)
    for label in np.unique(labels):
        wanting = np.flatnonzero(labels == label)
        offered = np.flatnonzero(pool == label)
        offered = rng.permutation(offered if len(offered) else np.arange(len(pool)))
        chosen[wanting] = np.resize(offered, len(wanting))
    return chosen


def _column(sample: Sample, column: str, values: NDArray[Any]) -> Any:
    """Return the sample's table with one column replaced, if it has it."""
    return sample.table.assign(**{column: values}) if column in sample.table else sample.table
