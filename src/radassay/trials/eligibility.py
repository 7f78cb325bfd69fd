"""Who may be in the trial: the test images are acquired, and nobody in them was learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radassay.errors import RefusedError
from radassay.images.sample import Sample

SHOWN = 5
"""Images named in a message."""


def require_eligible(training: Sample, validation: Sample, test: Sample, synthetic: Sample) -> None:
    """Refuse a trial whose result would be worthless.

    Raises:
        RefusedError: the test, validation or training set holds an image that was not acquired (`transformed` is
            allowed for training), or the test set shares an image or a patient with a set that is learned from.
            The images are named by the first 12 characters of their id; patients are never named.
    """
    for sample, allowed in ((test, ["acquired"]), (validation, ["acquired"]), (training, ["acquired", "transformed"])):
        strange = ~sample.table["origin"].isin(allowed).to_numpy()
        if strange.any():
            raise RefusedError(
                f"The trial's {_role(sample, test, validation)} images must be acquired from patients, "
                f"and {strange.sum()} of {len(sample)} are not",
                got=_named(sample.images[strange]),
                possible="Remove them, or correct their origin at import",
            )
    for other in (training, validation, synthetic):
        shared = np.isin(test.images, other.images)
        # a generated image shows nobody: a code it carries is not a patient's
        people = other.patients[other.table["origin"].to_numpy(dtype=str) != "generated"]
        same_patient = np.isin(test.patients, people)
        for rows, what in ((shared, "are also"), (same_patient, "show a patient who is also")):
            if rows.any():
                raise RefusedError(
                    f"{rows.sum()} of {len(test)} test images {what} in {other.name}, which the trial learns from",
                    got=_named(test.images[rows]),
                    possible="Split by patient again, so that nobody is on both sides",
                )


def _role(sample: Sample, test: Sample, validation: Sample) -> str:
    return "test" if sample is test else "validation" if sample is validation else "training"


def _named(images: NDArray[np.str_] | Sequence[str]) -> str:
    names = sorted({str(image)[:12] for image in images})
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
