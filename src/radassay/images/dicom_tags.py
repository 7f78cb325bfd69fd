"""Values of DICOM tags, tolerant of what files lack or write wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from radassay.images.frame import NAN


def group(ds: Dataset, index: int, sequence: str, tag: str) -> Dataset:
    """Return the data set that holds a tag: functional group of the frame, shared group, or the file itself."""
    for groups, at in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        items = ds.get(groups)
        if items and at < len(items) and (found := items[at].get(sequence)) and tag in found[0]:
            held: Dataset = found[0]
            return held
    return ds


def text(ds: Dataset, name: str) -> str:
    """Return the value of a tag as text, or an empty string."""
    value = ds.get(name)
    return "" if value is None else str(value).strip()


def whole(ds: Dataset, name: str, default: int = 0) -> int:
    """Return the value of a tag as a whole number, or the default where it is absent or empty."""
    value = ds.get(name)
    return default if value is None or value == "" else int(value)


def first(ds: Dataset, name: str) -> float:
    """Return the first value of a tag, or NaN."""
    values = numbers(ds, name, 1)
    return NAN if values is None else float(values[0])


def numbers(ds: Dataset, name: str, least: int) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Return the finite numbers of a tag, or None where there are fewer than asked for."""
    value = ds.get(name)
    if value is None or value == "":
        return None
    try:
        found = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        return None
    return found if len(found) >= least and np.isfinite(found).all() else None
