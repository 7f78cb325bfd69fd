"""What the trainings of a trial learn from and are asked: pixels held once, and the rows of each arm and seed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.classifier import Job
from radassay.contracts.grey import Grey
from radassay.errors import InputError
from radassay.evidence.run import storage
from radassay.images.sample import Sample
from radassay.trials.arms import Arm
from radassay.trials.plan import TrialPlan

Rows = NDArray[np.intp]
ABOUT = ("image", "patient", "site", "sex", "age", "view", "label")
"""Columns that tell of each scored image, beside its fold."""
PIXELS = ("learned", "asked")
BANDS = ((18, "below 18"), (40, "18-39"), (65, "40-64"), (np.inf, "65 up"))
"""Age bands: children, younger, middle-aged and older adults; each up to, but without, its limit."""


@dataclass(frozen=True)
class Sets:
    """The images of a trial by what they are for."""

    training: Sample
    """Real images learned from."""
    validation: Sample
    """Real images that choose the snapshot, the augmentation, the threshold and the calibration."""
    test: Sample
    """Real images of other patients, seen by the finished models alone."""
    synthetic: Sample
    """The images on trial."""
    reserve: Sample | None = None
    """Real images of further patients, from whom neither the generator nor any other arm learned."""
    external: Mapping[str, Sample] | None = None
    """Real images of other hospitals, by name."""

    @property
    def asked(self) -> dict[str, Sample]:
        """Return the real images that finished models score, by fold."""
        outside = {f"external {name}": sample for name, sample in (self.external or {}).items()}
        return {"validation": self.validation, "test": self.test, **outside}

    @property
    def all(self) -> list[Sample]:
        """Return every set there is."""
        reserve = [] if self.reserve is None else [self.reserve]
        return [self.training, *reserve, self.synthetic, *self.asked.values()]


@dataclass(frozen=True)
class Material:
    """Arrays that all trainings share."""

    learned: Grey
    """(n, size, size) training images, then held-out ones, then synthetic ones."""
    targets: NDArray[np.bool_]
    """(n,)"""
    patients: NDArray[np.str_]
    """(real,) the patient of each training and held-out image."""
    real: int
    """Training images."""
    reserve: int
    asked: Grey
    """(m, size, size) images to score: validation images first."""
    validation: NDArray[np.bool_]
    """(v,) targets of the validation images."""

    @classmethod
    def of(cls, sets: Sets, positive: str) -> Material:
        """Return the arrays of some sets; of the synthetic images as many as there are test images are scored too.

        Raises:
            InputError: a set is empty, or sizes differ.
        """
        for sample in sets.all:
            if not len(sample):
                raise InputError(f"The trial has no images in {sample.name}", possible="Give one, better hundreds")
        sides = {sample.pixels.shape[1:] for sample in sets.all}
        if len(sides) > 1:
            raise InputError("The trial's images differ in size", got=", ".join(str(s) for s in sorted(sides)))
        reserve = [] if sets.reserve is None else [sets.reserve]
        learned = [sets.training, *reserve, sets.synthetic]
        return cls(
            np.concatenate([s.pixels for s in learned]),
            np.concatenate([s.labels == positive for s in learned]),
            np.concatenate([s.patients for s in (sets.training, *reserve)]),
            len(sets.training),
            sum(len(s) for s in reserve),
            np.concatenate([s.pixels for s in (*sets.asked.values(), _probed(sets))]),
            sets.validation.labels == positive,
        )

    @property
    def synthetic(self) -> int:
        """Return how many synthetic images there are."""
        return len(self.learned) - self.real - self.reserve

    @property
    def training_patients(self) -> int:
        """Return how many real patients an arm learns from."""
        return len(np.unique(self.patients[: self.real]))

    @property
    def reserve_patients(self) -> int:
        """Return how many more were held out for the control that must help."""
        return len(np.unique(self.patients[self.real :]))

    def sizes(self, plan: TrialPlan) -> tuple[int, ...]:
        """Return the numbers of real patients of the learning curve, but that of all training patients."""
        if not plan.curve:
            return ()
        n, more = self.training_patients, self.reserve_patients
        wanted = {max(2, round(share * n)) for share in plan.curve}
        return tuple(sorted((wanted | {n + more // 2, n + more}) - {n}))

    def doses(self, plan: TrialPlan) -> tuple[float, ...]:
        """Return the doses that there are images for; the headline's is kept whatever there is."""
        return tuple(d for d in plan.doses if d == plan.dose or round(d * self.real) <= self.synthetic)

    def job(self, plan: TrialPlan, arm: Arm, index: int, *, augment: bool) -> Job:
        """Return what training `index` of an arm learns from.

        Extra images are drawn anew for each index, without replacement, smaller doses out of larger ones.
        """
        seed, draws = (int(s) for s in np.random.SeedSequence([plan.seed, 2, index]).generate_state(2))
        rng = np.random.default_rng(draws)
        real = np.arange(self.real)
        if arm.patients:
            rows = self._of_patients(arm.patients, rng)
            return Job(rows, self.targets[rows], augment, seed, balanced=arm.balanced)
        extra, targets = self._extra(arm, rng)
        rows = np.concatenate([real, extra]) if arm.real else extra
        told = np.concatenate([self.targets[real], targets]) if arm.real else targets
        return Job(rows, told, augment, seed, core=len(real) if arm.real else 0, balanced=arm.balanced)

    def dosage(self, dose: float) -> int:
        """Return how many synthetic images a dose comes to; all where there are fewer."""
        return min(max(1, round(dose * self.real)), self.synthetic)

    def _extra(self, arm: Arm, rng: np.random.Generator) -> tuple[Rows, NDArray[np.bool_]]:
        """Return the rows beyond the real training images, and what is told of them."""
        order = rng.permutation(self.synthetic) + self.real + self.reserve
        synthetic = order[: self.dosage(arm.dose)]
        targets = self.targets[synthetic]
        if arm.extra == "synthetic":
            return synthetic, targets
        if arm.extra == "shuffled":
            return synthetic, rng.permutation(targets)
        if arm.extra == "repeats":
            rows = _repeats(self.targets[: self.real], targets, rng)
            return rows, self.targets[rows]
        if arm.extra == "held-out":
            rows = self.real + rng.permutation(self.reserve)[: len(synthetic)]
            return rows, self.targets[rows]
        return order[:0], targets[:0]

    def _of_patients(self, count: int, rng: np.random.Generator) -> Rows:
        """Return the real images of so many patients: training patients in an order, then held-out ones."""
        parts = (self.patients[: self.real], self.patients[self.real :])
        order = np.concatenate([rng.permutation(np.unique(part)) for part in parts])
        return np.flatnonzero(np.isin(self.patients, order[:count]))


def told_of(sets: Sets, positive: str) -> pd.DataFrame:
    """Return one row for each scored image, in the order of `Material.asked`.

    Columns: fold, image, patient, site, sex, age (band), view and label. Images of one site without a name have that
    of their set, and synthetic ones have no patient.
    """
    parts = []
    for fold, sample in (*sets.asked.items(), ("synthetic", _probed(sets))):
        known = sample.table
        about = pd.DataFrame({"image": sample.images, "patient": sample.patients}).assign(fold=fold)
        for column in ("site", "sex", "view"):
            about[column] = known[column].to_numpy(dtype=str) if column in known else ""
        years = known["age_years"].to_numpy() if "age_years" in known else np.full(len(sample), np.nan)
        about["age"] = [_band(y) for y in years]
        about["site"] = about["site"].where(about["site"] != "", sample.name)
        parts.append(about.assign(label=sample.labels == positive))
    return pd.concat(parts, ignore_index=True)[["fold", *ABOUT]]


def _probed(sets: Sets) -> Sample:
    """Return the synthetic images that models of real images are asked about (train on real, test on synthetic)."""
    return sets.synthetic.take(np.arange(min(len(sets.synthetic), len(sets.test))))


def _band(years: float) -> str:
    return next((name for limit, name in BANDS if years < limit), "")


@dataclass(frozen=True)
class OnDisk:
    """A material whose pixels lie in a folder, so that processes of one machine share one copy."""

    folder: Path
    rest: Material
    """All but the pixels."""

    @classmethod
    def written(cls, material: Material, folder: Path) -> OnDisk:
        """Write the pixels into a folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        none = material.learned[:0]
        with storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name in PIXELS:
                torn = folder / f"{name}.tmp"
                with open(torn, "wb") as file:
                    np.save(file, np.ascontiguousarray(getattr(material, name), dtype=np.float32), allow_pickle=False)
                os.replace(torn, folder / f"{name}.npy")
        return cls(folder, replace(material, learned=none, asked=none))

    def open(self) -> Material:
        """Return the material with memory maps of its pixels."""
        learned, asked = (np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in PIXELS)
        return replace(self.rest, learned=learned, asked=asked)


def _repeats(targets: NDArray[np.bool_], wanted: NDArray[np.bool_], rng: np.random.Generator) -> Rows:
    """Return rows of real images with as many of each class as `wanted`, each row as often as the next."""
    rows = []
    for value in (False, True):
        members, count = np.flatnonzero(targets == value), int((wanted == value).sum())
        if count and not len(members):
            raise InputError("The real training images lack a class that the synthetic ones have", got=f"{value}")
        if count:
            passes = -(-count // len(members))
            rows.append(np.concatenate([rng.permutation(members) for _ in range(passes)])[:count])
    return np.concatenate(rows) if rows else np.zeros(0, dtype=np.intp)
