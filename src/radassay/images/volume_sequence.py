"""The volumes of an image set, brought to one shape, read one at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.errors import InputError
from radassay.images.imageset import ImageSet
from radassay.images.intensity import to_display

FEWEST_SLICES = 4
"""A study of fewer slices is no volume."""
KEPT_BYTES = 2**30
"""Volumes kept in memory between two readings."""


@dataclass(frozen=True)
class VolumeSequence(Sequence[NDArray[np.float32]]):
    """The volumes of a set, (depth, height, width) float32 in [0, 1] each, from feet to head.

    Every study with positions is one volume. It is read when asked for, windowed, and resampled to `shape` over its
    whole extent by antialiased linear interpolation; slices need not lie evenly.

    Raises:
        InputError: the set holds no volume, or the slices of one differ in label, spacing or size.
    """

    images: ImageSet
    shape: tuple[int, int, int]
    _kept: OrderedDict[int, NDArray[np.float32]] = field(default_factory=OrderedDict, repr=False, compare=False)

    @cached_property
    def studies(self) -> list[pd.DataFrame]:
        """Return the rows of each volume by ascending position; the order of volumes is that of study codes."""
        table = self.images.table.assign(row=np.arange(len(self.images)))
        table = table[(table["study"] != "") & table["position_mm"].notna()]
        found = []
        for study, rows in table.groupby("study", sort=True):
            rows = rows.drop_duplicates(["position_mm", "image"]).sort_values("position_mm", kind="stable")
            if len(rows) < FEWEST_SLICES:
                continue
            if rows["position_mm"].duplicated().any():
                raise InputError("Several slices of the volume lie at one position", got=study)
            for column in ("label", "height", "width", "low", "high"):
                if rows[column].nunique() != 1:
                    raise InputError(f"The slices of volume {study} differ in {column}")
            found.append(rows)
        if not found:
            raise InputError(
                f"{self.images.name} holds no volume",
                got=f"{len(self.images)} images, {len(table)} of them with study and position",
                possible=f"Studies of at least {FEWEST_SLICES} slices, as imported from DICOM series or NIfTI files",
            )
        return found

    def __len__(self) -> int:
        return len(self.studies)

    @property
    def labels(self) -> NDArray[np.str_]:
        """Return the label of each volume."""
        return np.array([str(rows["label"].iloc[0]) for rows in self.studies])

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Return the distance between voxel centres once brought to `shape`, (n, 3): depth, height, width."""
        out = []
        for rows in self.studies:
            spacing = float(rows["spacing_mm"].iloc[0])
            if not spacing > 0:
                raise InputError("The spacing of a volume is unknown", got=rows["study"].iloc[0])
            extent = (_depth_mm(rows), *(float(rows[side].iloc[0]) * spacing for side in ("height", "width")))
            out.append([e / n for e, n in zip(extent, self.shape, strict=True)])
        return np.array(out)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NDArray[np.float32]]: ...
    def __getitem__(self, index: Any) -> Any:
        """Return one volume, or a list of several."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index]
        volume = self._read(self.studies[index])
        self._kept[index] = volume
        while len(self._kept) > max(1, KEPT_BYTES // volume.nbytes):
            self._kept.popitem(last=False)
        return volume

    def _read(self, rows: pd.DataFrame) -> NDArray[np.float32]:
        depth, height, width = self.shape
        down, across = (triangles(int(rows[side].iloc[0]), n) for side, n in (("height", height), ("width", width)))
        along = triangles(len(rows), depth) @ evened(rows["position_mm"].to_numpy(dtype=float))
        window = float(rows["low"].iloc[0]), float(rows["high"].iloc[0])
        out = np.zeros(self.shape, dtype=np.float32)
        # slice by slice: a scan of a thousand slices never lies in memory whole
        for place, row in enumerate(rows["row"]):
            shown = down @ to_display(self.images.pixels(int(row)), window) @ across.T
            for layer in np.flatnonzero(along[:, place]):
                out[layer] += along[layer, place] * shown
        return np.clip(out, 0.0, 1.0)


def _depth_mm(rows: pd.DataFrame) -> float:
    """Return the extent of a volume along its axis: from its lowest to its highest slice, and half a slice beyond."""
    positions = rows["position_mm"].to_numpy(dtype=float)
    return float(positions[-1] - positions[0]) * len(positions) / (len(positions) - 1)


def triangles(old: int, new: int) -> NDArray[np.float32]:
    """Return weights (new, old) that bring evenly spaced samples to another number over the same extent.

    Each new sample is a mean of the old ones under a triangle around it, as wide as the larger of both steps
    (antialiased linear interpolation).
    """
    at, middle = np.arange(old) + 0.5, (np.arange(new) + 0.5) * old / new
    weights = np.maximum(1 - np.abs(middle[:, None] - at) / max(old / new, 1.0), 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def evened(positions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return weights (n, n) that interpolate between slices at ascending positions to as many evenly spaced ones."""
    even = np.linspace(positions[0], positions[-1], len(positions))
    return np.stack([np.interp(even, positions, one) for one in np.eye(len(positions))], axis=1).astype(np.float32)
