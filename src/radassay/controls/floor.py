"""Blanks: inputs without the fault, made of the user's own real images, patient by patient.

For checks of synthetic images, part of the real patients plays the synthetic images, so that the measure shows what
perfect images in this number would score. For checks of real images the split and the labels are drawn again over
patients, so that no picture can tell its label except by chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.check import Check, Inputs
from radassay.controls.numbers import MOST, Numbers
from radassay.controls.planting import Rows, relabelled
from radassay.errors import InputError
from radassay.images.sample import Sample


def pool(inputs: Inputs) -> Sample:
    """Return all real images that a check may see."""
    return inputs.training.joined(inputs.held_out, "real")


def matched_inputs(inputs: Inputs, check: Check, rng: np.random.Generator, most: int = MOST) -> Inputs:
    """Return the inputs with as many images on each side, in the same mix of labels, as the blanks have.

    Only for checks whose values depend on that number (`check.matched`); else the inputs as they are. Training images
    count too: they set the space in which the other two are compared.
    """
    if inputs.synthetic is None or not check.matched:
        return inputs
    numbers = Numbers.of(inputs, most)
    parts = {"training": inputs.training, "held_out": inputs.held_out, "synthetic": inputs.synthetic}
    changes = {}
    for side, sample in parts.items():
        rows, _ = _drawn(sample, rng.permutation(np.unique(sample.patients)), getattr(numbers, side))
        if len(rows) < len(sample):
            changes[side] = sample.take(rows)
    return inputs.but(**changes) if changes else inputs


def thinned(inputs: Inputs, most: int, rng: np.random.Generator) -> Inputs:
    """Return the inputs with at most about `most` real images: whole patients, drawn at random from both sides alike.

    For checks that are costly; their controls then speak of that many images, and a limit of detection that is a
    share of them is no smaller than the whole study's would be.
    """
    keep = most / max(1, len(inputs.training) + len(inputs.held_out))
    if keep >= 1:
        return inputs

    def some(sample: Sample) -> Sample:
        patients = rng.permutation(np.unique(sample.patients))
        rows = np.flatnonzero(np.isin(sample.patients, patients[: max(1, int(keep * len(patients)))]))
        kept = sample.take(rows)
        features = inputs.cache.get(f"{inputs.encoder}:{sample.fingerprint}")
        if features is not None:
            inputs.cache[f"{inputs.encoder}:{kept.fingerprint}"] = features[rows]
        return kept

    return inputs.but(training=some(inputs.training), held_out=some(inputs.held_out))


def blank(inputs: Inputs, check: Check, rng: np.random.Generator, most: int = MOST) -> Inputs:
    """Return inputs without any fault, for a check of this kind, with at most `most` images on each side.

    No patient is on two sides. Further sets and sealed images are left out.

    Raises:
        InputError: there are too few patients to split.
    """
    plain = inputs.but(others=(), sealed=None)
    return _blank_synthetic(plain, rng, most) if check.reads == "synthetic" else _blank_real(plain, rng)


def _blank_synthetic(inputs: Inputs, rng: np.random.Generator, most: int) -> Inputs:
    """Return inputs whose synthetic images are real ones of patients of their own.

    The training part is smaller than the user's: a check whose values depend on its size is measured with equally
    many (`matched_inputs`), or must calibrate itself by the held-out images.
    """
    real, numbers = pool(inputs), Numbers.of(inputs, most)
    patients = rng.permutation(np.unique(real.patients))
    synthetic, patients = _drawn(real, patients, numbers.synthetic)
    held_out, patients = _drawn(real, patients, numbers.held_out)
    training, _ = _drawn(real, patients, numbers.training)
    _require_all(training, held_out, synthetic)
    return inputs.but(
        training=real.take(training, "real, part 1"),
        held_out=real.take(held_out, "real, part 2"),
        synthetic=real.take(synthetic, "real, part 3"),
    )


def blank_numbers(inputs: Inputs, check: Check, most: int = MOST) -> dict[str, int]:
    """Return how many images there are on each side of a check's blanks."""
    if check.reads == "synthetic":
        return Numbers.of(inputs, most).totals()
    return {"training": len(inputs.training), "held_out": len(inputs.held_out)}


def _blank_real(inputs: Inputs, rng: np.random.Generator) -> Inputs:
    """Return real inputs with labels permuted over patients and a new split by patients."""
    real = pool(inputs)
    real = relabelled(real, permuted_over_patients(real.labels, real.patients, rng))
    patients = rng.permutation(np.unique(real.patients))
    held_out, patients = _drawn(real, patients, Counter(inputs.held_out.labels.tolist()), whole=True)
    training = np.flatnonzero(np.isin(real.patients, patients))
    _require_all(training, held_out)
    return inputs.but(
        training=real.take(training, "real, part 1"), held_out=real.take(held_out, "real, part 2"), synthetic=None
    )


def permuted_over_patients(
    labels: NDArray[np.str_], patients: NDArray[np.str_], rng: np.random.Generator
) -> NDArray[np.str_]:
    """Return labels where each patient has those of another one, repeated or cut to the patient's number of images."""
    rows = list(_rows_of(patients).values())
    out = labels.copy()
    for mine, donor in zip(rows, rng.permutation(len(rows)), strict=True):
        out[mine] = np.resize(labels[rows[donor]], len(mine))
    return out


def _rows_of(patients: NDArray[np.str_]) -> dict[str, Rows]:
    """Return the rows of each patient, patients in the order of their names."""
    units, home = np.unique(patients, return_inverse=True)
    ends = np.cumsum(np.bincount(home, minlength=len(units)))
    return dict(zip(units.tolist(), np.split(np.argsort(home, kind="stable"), ends[:-1]), strict=True))


def _drawn(
    sample: Sample, patients: NDArray[np.str_], counts: Mapping[str, int], whole: bool = False
) -> tuple[Rows, NDArray[np.str_]]:
    """Return rows of the first patients that fill the counts of each label, and the patients left over.

    A patient whose images are not all needed is used up; the images beyond the counts are dropped, or kept if `whole`.
    """
    missing = dict(counts)
    taken: list[int] = []
    left = []
    rows_of = _rows_of(sample.patients)
    for patient in patients:
        wanted = []
        for row in rows_of[str(patient)]:
            label = str(sample.labels[row])
            if missing.get(label, 0) > 0:
                missing[label] -= 1
                wanted.append(int(row))
        if wanted:
            taken.extend(rows_of[str(patient)].tolist() if whole else wanted)
        else:
            left.append(patient)
    return np.sort(np.array(taken, dtype=np.intp)), np.array(left, dtype=patients.dtype)


def _require_all(*parts: Rows) -> None:
    if any(len(part) < 2 for part in parts):
        raise InputError(
            "There are too few real patients for controls",
            got=f"parts of {', '.join(str(len(part)) for part in parts)} images",
            possible="Controls need patients enough for a training, a held-out and a stand-in set",
        )
