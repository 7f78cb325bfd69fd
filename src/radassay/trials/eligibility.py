"""Who may be in the trial: the test images are acquired, and nobody in them was learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radassay.errors import RefusedError
from radassay.images.sample import Sample
from radassay.trials.material import Sets

SHOWN = 5
"""Images named in a message."""


def require_eligible(sets: Sets, twins: Sequence[tuple[str, str]] = ()) -> None:
    """Refuse a trial whose result would be worthless.

    Args:
        sets: its images.
        twins: pairs of image ids, one scored and one learned from, that show the same radiograph.

    Raises:
        RefusedError: an image that is learned from as real, or scored, was not acquired (`transformed` is allowed for
            training), or a set that finished models are tested on shares an image, a patient or a radiograph with a
            set that is learned from. The images are named by the first 12 characters of their id; patients never.
    """
    reserve = [] if sets.reserve is None else [sets.reserve]
    for sample in (*sets.asked.values(), sets.training, *reserve):
        learned = sample is sets.training or sample in reserve
        strange = ~sample.table["origin"].isin(["acquired", "transformed"] if learned else ["acquired"]).to_numpy()
        if strange.any():
            raise RefusedError(
                f"The images of {sample.name} must be acquired from patients, "
                f"and {strange.sum()} of {len(sample)} are not",
                got=_named(sample.images[strange]),
                possible="Remove them, or correct their origin at import",
            )
    tested = {name: sample for name, sample in sets.asked.items() if name != "validation"}
    for sample in tested.values():
        for other in (sets.training, *reserve, sets.validation, sets.synthetic):
            _require_apart(sample, other)
    named = {image for sample in tested.values() for image in sample.images.tolist()}
    shown = [pair for pair in twins if pair[0] in named]
    if shown:
        raise RefusedError(
            f"{len({scored for scored, _ in shown})} test images show a radiograph that the trial learns from",
            got=_named([scored for scored, _ in shown]),
            possible='Remove them, or set `duplicates = "leave out"` in [trial], which leaves them out by name',
        )


def _require_apart(sample: Sample, other: Sample) -> None:
    """Refuse tested images that are, or whose patients are, in a set that is learned from."""
    shared = np.isin(sample.images, other.images)
    # a generated image shows nobody: a code it carries is not a patient's
    people = other.patients[other.table["origin"].to_numpy(dtype=str) != "generated"]
    same_patient = np.isin(sample.patients, people)
    for rows, what in ((shared, "are also"), (same_patient, "show a patient who is also")):
        if rows.any():
            raise RefusedError(
                f"{rows.sum()} of {len(sample)} images of {sample.name} {what} in {other.name}, which the trial learns "
                "from",
                got=_named(sample.images[rows]),
                possible="Split by patient again, so that nobody is on both sides",
            )


def _named(images: NDArray[np.str_] | Sequence[str]) -> str:
    names = sorted({str(image)[:12] for image in images})
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
