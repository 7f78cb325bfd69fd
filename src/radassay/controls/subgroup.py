"""A group of patients that generated images leave out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.check import Inputs
from radassay.controls.planting import share_of, synthetic_of
from radassay.images.sample import Sample

NAMED = ("sex", "view", "site")
"""Columns that may name a subgroup, the first that fits is taken; then age, then the look of the pictures."""
KNOWN, SMALLEST, LARGEST = 0.8, 0.1, 0.5
"""A column fits if it is known of so many images, and holds a group of a size between these shares of them."""
OLDEST = 1 / 3
"""Share of the images that belong to the oldest patients, or to the cluster at one end of the pictures' variety."""
CELLS = 8
"""Side of the thumbnails by which pictures are put in order."""


@dataclass(frozen=True)
class DroppedSubgroup:
    """Images of one sex, view, hospital or age, or of one look where nothing is known, left out.

    Nothing takes their place, since a second copy of what remains would be another fault. So fewer images are left,
    and measures that depend on their number move by that as well.
    """

    name: ClassVar[str] = "dropped-subgroup"
    what: ClassVar[str] = "the generated images lack one group of patients: one sex, view, hospital, age or look"
    unit: ClassVar[str] = "share of the subgroup"
    into: ClassVar[Literal["real", "synthetic"]] = "synthetic"

    doses: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 1.0)
    """Shares of the subgroup's synthetic images that are left out."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs:
        """Return the inputs without a share of the subgroup's synthetic images."""
        synthetic = synthetic_of(inputs)
        group = subgroup(synthetic, inputs.training.joined(inputs.held_out))
        gone = share_of(np.flatnonzero(group), dose, rng)
        if len(gone) == 0:
            return inputs
        return inputs.but(synthetic=synthetic.take(np.setdiff1d(np.arange(len(synthetic)), gone)))


def subgroup(sample: Sample, real: Sample) -> NDArray[np.bool_]:
    """Return which images of a sample belong to the subgroup; real images decide which group that is."""
    both = pd.concat([sample.table, real.table], ignore_index=True)
    for column in NAMED:
        if column in both and (sample.table[column] != "").any():
            name = _smaller_group(both[column].astype(str))
            if name:
                return np.asarray(sample.table[column].astype(str) == name)
    if "age_years" in both:
        ages = pd.to_numeric(both["age_years"], errors="coerce")
        if ages.notna().mean() >= KNOWN and ages.nunique() > 2:
            mine = pd.to_numeric(sample.table["age_years"], errors="coerce")
            return np.asarray(mine > ages.quantile(1 - OLDEST))
    return _one_look(sample, real)


def _smaller_group(values: pd.Series[str]) -> str:
    """Return the largest of the groups that hold between a tenth and half of the images, or nothing."""
    known = values[values != ""]
    if len(known) < KNOWN * len(values):
        return ""
    shares = known.value_counts(normalize=True).sort_index().sort_values(ascending=False, kind="stable")
    # Of two equal halves the second is taken, so that some group remains.
    fitting = [str(name) for name, share in shares.items() if SMALLEST <= share <= LARGEST]
    return fitting[-1] if len(fitting) == 2 and len(shares) == 2 else fitting[0] if fitting else ""


def _one_look(sample: Sample, real: Sample) -> NDArray[np.bool_]:
    """Return the images beyond two thirds of the real ones along the axis in which their thumbnails differ most."""
    cells, theirs = _thumbnails(sample), _thumbnails(real)
    middle = theirs.mean(axis=0)
    axis = np.linalg.eigh(np.cov(theirs - middle, rowvar=False))[1][:, -1]
    axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
    return np.asarray((cells - middle) @ axis > np.quantile((theirs - middle) @ axis, 1 - OLDEST))


def _thumbnails(sample: Sample) -> NDArray[np.float64]:
    """Return each image as means over a grid of cells, (n, cells)."""
    size = sample.pixels.shape[-1]
    edges = np.linspace(0, size, min(CELLS, size) + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(sample.pixels.astype(np.float64), edges, axis=1), edges, axis=2)
    widths = np.diff([*edges, size])
    return np.asarray((sums / np.outer(widths, widths)).reshape(len(sample), -1))
