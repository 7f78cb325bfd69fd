"""What is known of an image besides its pixels, put into few kinds, so that it can be held against the label."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.str_]

AGE_BANDS = ("0-17", "18-39", "40-59", "60-79", "80+")
"""Years; the first are children."""
AGE_EDGES = (18.0, 40.0, 60.0, 80.0)
_SIZE_EDGES = (128, 181, 256, 362, 512, 724, 1024, 1448, 2048, 2896, 4096)
"""Half octaves."""
_SHAPE_EDGES = (0.8, 0.95, 1.05, 1.25)
_SHAPES = ("tall", "somewhat tall", "square", "somewhat wide", "wide")


class Attribute(NamedTuple):
    """One thing that may be tied to the label."""

    name: str
    title: str
    """As a reader should see it."""
    of: Callable[[pd.DataFrame], Values]
    """The kind of each image of a table, (n,), empty where it is not known."""
    may_lack: bool
    """Whether it is something that a source may not tell, in contrast to what every file has."""


def age_band(table: pd.DataFrame) -> Values:
    """Return the age band of each image, empty where the age is not known."""
    years = table["age_years"].to_numpy(dtype=float)
    return _banded(years, AGE_EDGES, AGE_BANDS)


def size_band(table: pd.DataFrame) -> Values:
    """Return the band of each image's longer side, such as `256-361 px`."""
    longer = table[["height", "width"]].max(axis=1).to_numpy(dtype=float)
    edges = _SIZE_EDGES
    between = [f"{a}-{b - 1} px" for a, b in pairwise(edges)]
    return _banded(longer, edges, (f"up to {edges[0] - 1} px", *between, f"from {edges[-1]} px"))


def shape_band(table: pd.DataFrame) -> Values:
    """Return whether each image is tall, square or wide, by its width over its height."""
    ratio = (table["width"] / table["height"]).to_numpy(dtype=float)
    return _banded(ratio, _SHAPE_EDGES, _SHAPES)


def naming(table: pd.DataFrame) -> Values:
    """Return the pattern of each file name: `a` for letters, `0` for digits, such as `0_0` for `00001801_000.png`."""
    stems = [PurePosixPath(source.partition("#")[0]).stem for source in table["source"].astype(str)]
    return np.array([re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", stem))[:24] for stem in stems], dtype=str)


def _banded(numbers: NDArray[np.float64], edges: tuple[float, ...], names: tuple[str, ...]) -> Values:
    known = np.isfinite(numbers)
    band = np.digitize(np.where(known, numbers, 0.0), edges)
    return np.where(known, np.array(names)[band], "")


def _text(column: str) -> Callable[[pd.DataFrame], Values]:
    return lambda table: table[column].to_numpy(dtype=str)


def _whole(column: str, unit: str) -> Callable[[pd.DataFrame], Values]:
    def read(table: pd.DataFrame) -> Values:
        numbers = table[column].to_numpy(dtype=float)
        return np.array([f"{n:.0f} {unit}".strip() if np.isfinite(n) else "" for n in numbers], dtype=str)

    return read


ATTRIBUTES = (
    Attribute("source", "Image set", _text("set"), False),
    Attribute("site", "Hospital or place", _text("site"), True),
    Attribute("age", "Age band", age_band, True),
    Attribute("sex", "Sex", _text("sex"), True),
    Attribute("view", "View", _text("view"), True),
    Attribute("modality", "Modality", _text("modality"), True),
    Attribute("format", "File type", _text("format"), False),
    Attribute("size", "Size in pixels", size_band, False),
    Attribute("shape", "Height to width", shape_band, False),
    Attribute("bits", "Bit depth", _whole("bits", "bits"), False),
    Attribute("channels", "Colour channels", _whole("channels", ""), False),
    Attribute("naming", "Pattern of file names", naming, False),
)
BY_NAME = {attribute.name: attribute for attribute in ATTRIBUTES}


def pooled(values: Values, units: NDArray[np.str_], fewest: int) -> Values:
    """Return the kinds with those of fewer than `fewest` patients put together as `other`."""
    kinds, kind = np.unique(values, return_inverse=True)
    pairs = np.unique(np.stack([kind, np.unique(units, return_inverse=True)[1]]), axis=1)
    rare = np.bincount(pairs[0], minlength=len(kinds)) < fewest
    return np.where(rare[kind], "other", values)
