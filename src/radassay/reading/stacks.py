"""What is shown as one image: a single picture, or slices of one study, equally many and equally far apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radassay.errors import InputError
from radassay.images.imageset import ImageSet
from radassay.images.volume_sequence import FEWEST_SLICES, VolumeSequence
from radassay.reading.plan import ReadingPlan

MOST = 64
"""Slices that a stack has unless the plan asks for more: 33 MB at 512 pixels."""
TOLERANCE = 0.25
"""How far, relative to the distance asked for, the distance of neighbouring slices may lie from it."""
GAP = 1.5
"""A study in which neighbours lie more than so many usual distances apart lacks slices."""
Rows = tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """How stacks are cut from studies."""

    slices: int
    """1 for single pictures."""
    apart_mm: float = 0.0
    """Distance of neighbouring slices; 0 for single pictures."""

    def rows(self, images: ImageSet) -> list[Rows]:
        """Return the rows of everything that can be shown.

        A stack is every k-th slice of one study, k being the number that comes closest to `apart_mm`, from the study's
        middle, from head to feet. Slices are never interpolated. Studies that are too short, that lack slices, or
        whose slices lie more than a quarter closer or further apart than asked for are left out.

        Raises:
            InputError: slices of one study differ in label, size or window, or share a position.
        """
        if self.slices == 1:
            return [(row,) for row in range(len(images))]
        return [rows for study in _studies(images) if (rows := self._of(study))]

    def _of(self, study: pd.DataFrame) -> Rows:
        usual, every = _usual(study), self.every(study)
        span = (self.slices - 1) * every + 1
        if abs(every * usual / self.apart_mm - 1) > TOLERANCE or span > len(study):
            return ()
        start = (len(study) - span) // 2
        part = study.iloc[start : start + span]
        if np.diff(part["position_mm"].to_numpy(dtype=float)).max() > GAP * usual:
            return ()
        return tuple(int(row) for row in part["row"].iloc[::every][::-1])

    def every(self, study: pd.DataFrame) -> int:
        """Return which slice of a study is taken: every first, second and so on."""
        return max(1, round(self.apart_mm / _usual(study)))


def cut_of(sets: Mapping[str, ImageSet], plan: ReadingPlan) -> Cut:
    """Return how both arms are cut: as the plan says, or else stacks where both arms have volumes.

    Unless the plan says so, neighbours lie as far apart as is usual in the arm where they lie further apart, or a
    multiple of it so that at most `MOST` slices cover the shortest study; and every stack has as many slices as the
    shortest study that fits.

    Raises:
        InputError: stacks are asked for and an arm has none.
    """
    if plan.slices == 1:
        return Cut(1)
    volumes = {arm: _studies(images) for arm, images in sets.items()}
    if not all(volumes.values()):
        if plan.slices == 0:
            return Cut(1)
        raise InputError(
            "There are no stacks of slices in an arm",
            got=", ".join(f"{arm}: {len(found)} volumes" for arm, found in volumes.items()),
            possible=f"Studies of at least {FEWEST_SLICES} slices with positions, or `slices` 1 for single pictures",
        )
    apart = plan.slice_mm or max(float(np.median([_usual(s) for s in found])) for found in volumes.values())
    everything = [study for found in volumes.values() for study in found]
    if not plan.slice_mm and not plan.slices:
        apart *= math.ceil(min(len(study) for study in everything) / MOST)
    if plan.slices:
        return Cut(plan.slices, apart)
    fits = [study for study in everything if Cut(FEWEST_SLICES, apart)._of(study)]
    if not fits:
        raise InputError(
            "No study has slices as far apart as asked for",
            got=f"{apart:g} mm",
            possible="Another `slice_mm`, or `slices` 1 for single pictures",
        )
    trial = Cut(FEWEST_SLICES, apart)
    return Cut(min(MOST, *((len(study) - 1) // trial.every(study) + 1 for study in fits)), apart)


def _studies(images: ImageSet) -> Sequence[pd.DataFrame]:
    """Return the rows of each volume by ascending position; none where the set has no volume."""
    placed = images.table[(images.table["study"] != "") & images.table["position_mm"].notna()]
    if placed.empty or placed.groupby("study").size().max() < FEWEST_SLICES:
        return []
    try:
        return VolumeSequence(images, (1, 1, 1)).studies
    except InputError as error:
        raise InputError(
            f"Slices of {images.name} make no stacks", got=error, possible="`slices` 1 shows single pictures"
        ) from None


def _usual(study: pd.DataFrame) -> float:
    return float(np.median(np.diff(study["position_mm"].to_numpy(dtype=float))))
