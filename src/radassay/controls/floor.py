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

from radassay.contracts import Check, Inputs
from radassay.controls.planting import Rows, relabelled
from radassay.errors import InputError
from radassay.images.sample import Sample


def pool(inputs: Inputs) -> Sample:
    """Return all real images that a check may see."""
    return inputs.training.joined(inputs.held_out, "real")


def synthetic_counts(inputs: Inputs) -> dict[str, int]:
    """Return how many images of each label stand for the synthetic ones, in blanks and in the measurement alike.

    At most as many as there are synthetic images, and at most half of the real ones beyond the held-out number, so
    that the blank's training set is no smaller than its synthetic one. The mix of labels follows the synthetic images
    as far as the real ones of each label reach; what one label lacks the others fill up. Labels that only one side
    has are left out, since real images cannot stand in for them.
    """
    real = Counter(pool(inputs).labels.tolist())
    held = Counter(inputs.held_out.labels.tolist())
    caps = {label: max(0, (count - held[label]) // 2) for label, count in sorted(real.items())}
    wanted = sum(caps.values())
    mix = dict(real)
    if inputs.synthetic is not None:
        made = Counter(inputs.synthetic.labels.tolist())
        caps = {label: min(cap, made[label]) for label, cap in caps.items()}
        mix = dict(made)
        wanted = min(wanted, len(inputs.synthetic))
    return _apportioned(min(wanted, sum(caps.values())), {label: mix.get(label, 0) for label in caps}, caps)


def _apportioned(total: int, mix: Mapping[str, int], caps: Mapping[str, int]) -> dict[str, int]:
    """Return whole numbers that sum to `total`, in proportion to `mix` (Webster's method) but never above `caps`."""
    counts = dict.fromkeys(sorted(caps), 0)
    for _ in range(total):
        room = [label for label in counts if counts[label] < caps[label]]
        counts[max(room, key=lambda label: mix[label] / (2 * counts[label] + 1))] += 1
    return counts


def matched_inputs(inputs: Inputs, check: Check, rng: np.random.Generator) -> Inputs:
    """Return the inputs with as many synthetic images, in the same mix of labels, as the blanks have.

    Only for checks whose values depend on that number (`check.matched`); else the inputs as they are.
    """
    synthetic = inputs.synthetic
    if synthetic is None or not check.matched:
        return inputs
    chosen: list[Rows] = [np.empty(0, dtype=np.intp)]
    for label, count in synthetic_counts(inputs).items():
        chosen.append(rng.permutation(np.flatnonzero(synthetic.labels == label))[:count])
    rows = np.sort(np.concatenate(chosen))
    return inputs if len(rows) == len(synthetic) else inputs.but(synthetic=synthetic.take(rows))


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
        return sample.take(np.isin(sample.patients, patients[: max(1, int(keep * len(patients)))]))

    return inputs.but(training=some(inputs.training), held_out=some(inputs.held_out))


def blank(inputs: Inputs, check: Check, rng: np.random.Generator) -> Inputs:
    """Return inputs without any fault, for a check of this kind.

    No patient is on two sides. Further sets and sealed images are left out.

    Raises:
        InputError: there are too few patients to split.
    """
    plain = inputs.but(others=(), sealed=None)
    return _blank_synthetic(plain, rng) if check.reads == "synthetic" else _blank_real(plain, rng)


def _blank_synthetic(inputs: Inputs, rng: np.random.Generator) -> Inputs:
    """Return inputs whose synthetic images are real ones of patients of their own.

    The held-out part has its usual number of images of each label. The training part is what remains, so smaller than
    the user's: a check whose values depend on its size must calibrate itself by the held-out images.
    """
    real = pool(inputs)
    patients = rng.permutation(np.unique(real.patients))
    synthetic, patients = _drawn(real, patients, synthetic_counts(inputs))
    held_out, patients = _drawn(real, patients, Counter(inputs.held_out.labels.tolist()))
    training = np.flatnonzero(np.isin(real.patients, patients))
    _require_all(training, held_out, synthetic)
    return inputs.but(
        training=real.take(training, "real, part 1"),
        held_out=real.take(held_out, "real, part 2"),
        synthetic=real.take(synthetic, "real, part 3"),
    )


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
