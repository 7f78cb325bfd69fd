"""How many independent units a sample holds, and what to say where the patients are not known."""

from __future__ import annotations

import numpy as np

from radassay.images.sample import Sample


def patients_of(sample: Sample) -> int:
    """Return the number of independent units: patients, or images where no patient is known."""
    return len(np.unique(sample.patients))


def unknown_patients(sample: Sample) -> str:
    """Return a caution about intervals where patients are not known, or nothing."""
    unknown = (
        int((sample.table["patient"].to_numpy(dtype=str) == "").sum()) if "patient" in sample.table else len(sample)
    )
    if not unknown:
        return ""
    if unknown == len(sample):
        return "no patient is known; every image counts as its own patient and intervals may be too narrow"
    return f"the patient of {unknown} images is not known; each counts as its own and intervals may be too narrow"
