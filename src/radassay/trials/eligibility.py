"""Who may be in the trial: the test images are acquired, and nobody in them was learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        RefusedError: as `require_real_eligible`; or finished models are tested on a generated image.
    """
    require_real_eligible(sets.asked, sets.training, sets.reserve, twins)
    for sample in _tested(sets.asked).values():
        _require_apart(sample, sets.synthetic)


def require_real_eligible(
    asked: Mapping[str, Sample], training: Sample, reserve: Sample | None, twins: Sequence[tuple[str, str]] = ()
) -> None:
    """Refuse real images on which no trial can be done, whatever the synthetic ones are.

    Args:
        asked: images that finished models score, by fold; `validation` is one of them.
        training: images that are learned from.
        reserve: images that the control learns from that must help.
        twins: pairs of image ids, one scored and one learned from, that show the same radiograph.

    Raises:
        RefusedError: an image that is learned from as real, or scored, was not acquired (`transformed` is allowed for
            training), or a set that finished models are tested on shares an image, a patient or a radiograph with a
            set that is learned from. The images are named by the first 12 characters of their id; patients never.
    """
    learned = [training] if reserve is None else [training, reserve]
    origins = [(sample, ["acquired"]) for sample in asked.values()]
    for sample, allowed in (*origins, *((sample, ["acquired", "transformed"]) for sample in learned)):
        strange = ~sample.table["origin"].isin(allowed).to_numpy()
        if strange.any():
            raise RefusedError(
                f"The images of {sample.name} must be acquired from patients, "
                f"and {strange.sum()} of {len(sample)} are not",
                got=_named(sample.images[strange]),
                possible="Remove them, or correct their origin at import",
            )
    tested = _tested(asked)
    for sample in tested.values():
        for other in (*learned, asked["validation"]):
            _require_apart(sample, other)
    named = {image for sample in tested.values() for image in sample.images.tolist()}
    shown = [pair for pair in twins if pair[0] in named]
    if shown:
        raise RefusedError(
            f"{len({scored for scored, _ in shown})} test images show a radiograph that the trial learns from",
            got=_named([scored for scored, _ in shown]),
            possible='Remove them, or set `duplicates = "leave out"` in [trial], which leaves them out by name; a run '
            "that has begun carries on with --amend REASON",
        )


def _tested(asked: Mapping[str, Sample]) -> dict[str, Sample]:
    """Return the images that finished models are tested on, by fold."""
    return {name: sample for name, sample in asked.items() if name != "validation"}


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
