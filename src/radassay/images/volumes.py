"""Slices into volumes: where each lies, and the stack they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.errors import InputError
from radassay.images.imageset import ImageSet

KINDS = {
    "position": "",
    "location": "no position in the file: sorted by slice location",
    "number": "no position in the file: sorted by number, so that position_mm counts slices",
}
"""Where a position comes from, best first, and the warning that goes with it."""
SAME_PLACE = "several slices of its volume lie at the same position"


def settle(slices: Sequence[Mapping[str, Any]]) -> list[tuple[float, str]]:
    """Return position and warning for each slice of many volumes.

    Args:
        slices: one a slice, with `volume`, `image` and `positions` (kind -> value).

    All slices of one volume are placed by the same kind: the first that all have and that tells them apart.
    """
    volumes: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(slices):
        volumes[str(one["volume"])].append(index)
    out: list[tuple[float, str]] = [(float("nan"), "")] * len(slices)
    for members in volumes.values():
        shared = [k for k in KINDS if all(k in slices[i]["positions"] for i in members)]
        if not shared:
            for i in members:
                out[i] = (float("nan"), "its place in the volume is unknown")
            continue
        pictures = len({slices[i]["image"] for i in members})
        apart = [k for k in shared if len({slices[i]["positions"][k] for i in members}) >= pictures]
        kind = (apart or shared)[0]
        warning = KINDS[kind] if apart else SAME_PLACE
        for i in members:
            out[i] = (float(slices[i]["positions"][kind]), warning)
    return out


def with_gaps(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return how many volumes have two neighbours more than 1.5 times as far apart as is usual in them."""
    places: dict[str, set[float]] = defaultdict(set)
    for row in rows:
        if np.isfinite(row["position_mm"]):
            places[str(row["study"])].add(float(row["position_mm"]))
    steps = (np.diff(sorted(at)) for at in places.values() if len(at) > 2)
    return sum(1 for step in steps if step.max() > 1.5 * np.median(step))


def volume(images: ImageSet, study: str) -> NDArray[np.generic]:
    """Return the slices of one volume as (depth, height, width), by ascending position, in stored values.

    A slice that was imported twice (same pixels, same position) is taken once.

    Raises:
        InputError: no such volume, or its slices differ in size, lack positions or share one.
    """
    rows = images.where(study=study)
    table = rows.table[rows.table["position_mm"].notna()]
    if table.empty:
        raise InputError("The set holds no volume of this study", got=study)
    table = table.drop_duplicates(["position_mm", "image"]).sort_values("position_mm", kind="stable")
    if table["position_mm"].duplicated().any():
        raise InputError("Several slices of the volume lie at one position", got=study)
    if len(set(zip(table["height"], table["width"], table["channels"], strict=True))) != 1:
        raise InputError("The slices of the volume differ in size", got=study)
    return np.stack([images.store.get(str(image)) for image in table["image"]])
