"""Maps of places: found on the pictures themselves, or given, and what is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.lungs import find_lungs
from radassay.contracts.grey import Grey
from radassay.errors import InputError

MOST = 32
"""Kinds of place that a map may have."""
FOUND = 2
"""Kinds of place in a found map: 0 elsewhere, 1 lung."""


def found_maps(pixels: Grey) -> NDArray[np.int64]:
    """Return the lungs of frontal chest radiographs (n, size, size) in [0, 1] as maps: 1 in the lungs, 0 elsewhere.

    The lungs are found by `radassay.anatomy.lungs`, which tells how far they can be relied on. On pictures that are no
    frontal chest radiographs the maps mean little: give maps of your own.
    """
    return find_lungs(pixels).astype(np.int64)


def check_maps(maps: NDArray[np.integer], count: int | None, size: int, kinds: int = MOST) -> NDArray[np.int64]:
    """Return maps as (n, size, size) whole numbers from 0.

    Args:
        count: how many there should be; None for any number.
        kinds: their values must lie below.

    Raises:
        InputError: another shape, no whole numbers, or values out of range.
    """
    possible = f"({'n' if count is None else count}, {size}, {size}), whole numbers from 0 to {kinds - 1}"
    if maps.ndim != 3 or maps.shape[1:] != (size, size) or (count is not None and len(maps) != count):
        raise InputError("Maps must fit the pictures", got=f"shape {maps.shape}", possible=possible)
    if maps.dtype.kind not in "iub":
        raise InputError("Maps must hold whole numbers", got=f"numbers of type {maps.dtype}", possible=possible)
    if len(maps) and not (maps.min() >= 0 and maps.max() < kinds):
        raise InputError("A map holds an unknown kind of place", got=f"{maps.min()} to {maps.max()}", possible=possible)
    return np.ascontiguousarray(maps, dtype=np.int64)
