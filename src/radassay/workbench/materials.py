"""The materials of a study: real images split by patient, synthetic ones, and the sets they must not share with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from radassay.contracts.progress import Progress, Report
from radassay.errors import InputError, SettingsError
from radassay.evidence.finding import Finding
from radassay.evidence.run import write_atomic
from radassay.images.hounsfield import shown_in
from radassay.images.imageset import ImageSet
from radassay.images.import_report import ImportReport
from radassay.images.importing import import_images
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.splits import split
from radassay.images.tables import TableMapping
from radassay.workbench.split_lists import listed
from radassay.workbench.study import Material, Study, Synthetic

RESERVE = "reserve"
"""Split of training patients whom only the trial's control that must help learns from."""


@dataclass(frozen=True)
class Materials:
    """The image sets of a run; test images stay closed until someone opens them by name and purpose."""

    real: ImageSet
    """All acquired images with their `split`."""
    others: tuple[ImageSet, ...]
    """Sets that must share no radiograph with `real`."""
    external: tuple[ImageSet, ...]
    """Sets of other hospitals that the trial tests on."""
    left_out: dict[str, int]
    """How many imported images the study leaves out, by reason."""
    reports: dict[str, ImportReport]
    """What the import said of every file, by set name."""

    @property
    def training(self) -> ImageSet:
        """Return the images that a generator and a diagnosis model may learn from."""
        return self.real.where(split="train")

    @property
    def held_out(self) -> ImageSet:
        """Return the images of other patients that checks compare with."""
        return self.real.where(split="validation")

    @property
    def reserve(self) -> ImageSet:
        """Return the images of the patients whom only the trial's control that must help learns from; may be empty."""
        return self.real.where(split=RESERVE)


def gather(study: Study, work: Path, report: Report) -> Materials:
    """Import (or simulate) the acquired images and the other sets, keep what is asked for, and split by patient.

    Raises:
        InputError: nothing is left to work with, or one class only.
    """
    reports: dict[str, ImportReport] = {}
    kept = _bring(study.real, work / "sets" / "real", "acquired", study, reports, report)
    real = labelled(kept, study.real.positive)
    left_out = {
        "not asked for by `where`": len(ImageSet.open(work / "sets" / "real")) - len(kept),
        "without a label": len(kept) - len(real),
    }
    classes = sorted(set(real.table["label"]))
    if len(classes) < 2:
        found = sorted(set(real.table["label_source"]))
        raise InputError(
            "The real images hold one class only",
            got=", ".join(classes) or "no images",
            possible="`positive` must name some, not all, of these labels: " + ", ".join(found[:12]),
        )
    if not study.split.published:
        real = split(real, fractions=study.split.fractions, seed=study.seed)
    made = study.synthetic
    if study.trial.run and (made.generator or made.source or made.simulated):
        real = with_reserve(real, study.trial.reserve, study.seed)
    others = []
    for number, material in enumerate(study.others):
        other = _bring(material, work / "sets" / f"other-{number}", "acquired", study, reports, report)
        others.append(coded(other, prefix=f"{other.name}/"))
    external = [
        elsewhere(study, real, material, work / "sets" / f"external-{number}", reports, report)
        for number, material in enumerate(study.trial.external)
    ]
    return Materials(coded(real), tuple(others), tuple(external), left_out=left_out, reports=reports)


def with_reserve(real: ImageSet, share: float, seed: int) -> ImageSet:
    """Return the set with a share of its training patients in the split `reserve`; none where they are too few."""
    rows = np.flatnonzero(real.table["split"] == "train")
    if not share or not len(rows):
        return real
    try:
        parted = split(real.take(rows).with_columns(split=""), fractions=(1 - share, share, 0.0), seed=seed)
    except InputError:  # a class of too few patients: nobody can be spared
        return real
    splits = real.table["split"].to_numpy(dtype=object)
    splits[rows] = np.where(parted.table["split"] == "train", "train", RESERVE)
    return real.with_columns(split=splits)


def elsewhere(
    study: Study, real: ImageSet, material: Material, folder: Path, reports: dict[str, ImportReport], report: Report
) -> ImageSet:
    """Return a set of another hospital with the task's labels; patients are coded under its name.

    Raises:
        InputError: nothing is left of it, or it holds one class only.
    """
    images = _bring(material, folder, "acquired", study, reports, report)
    images = labelled(images, material.positive or study.real.positive, (positive_name(study), _rest(real, study)))
    if len(set(images.table["label"])) < 2:
        raise InputError(
            f"The external set {images.name} holds one class only",
            got=", ".join(sorted(set(images.table["label_source"]))[:12]),
            possible="Choose its images with `where`, or name its own labels with `positive`",
        )
    return coded(images, prefix=f"{images.name}/")


def bring_synthetic(
    study: Study, real: ImageSet, work: Path, reports: dict[str, ImportReport], report: Report
) -> ImageSet:
    """Import synthetic images made elsewhere, or simulate what a perfect generator would give."""
    wanted: Synthetic = study.synthetic
    material = Material(source=wanted.source, columns=wanted.columns, simulated=wanted.simulated, name="synthetic")
    images = _bring(material, work / "sets" / "synthetic", "generated", study, reports, report)
    # Nobody was imaged: a patient written beside a synthetic image is a label, not a person.
    images = images.with_columns(patient="", study="")
    classes = sorted(set(real.table["label"]))
    if set(images.table["label"]) <= set(classes):
        return images
    return labelled(images, wanted.positive or study.real.positive, names=(positive_name(study), _rest(real, study)))


def positive_name(study: Study) -> str:
    """Return the name of the positive class in reports and tables."""
    return study.real.positive[0] if len(study.real.positive) == 1 else "positive"


def labelled(images: ImageSet, positive: list[str], names: tuple[str, str] | None = None) -> ImageSet:
    """Return the labelled images with the task's two labels; what the source wrote stays in `label_source`.

    An image without a label is no negative: it is left out, and the report counts it.

    Raises:
        InputError: no image has a positive label; the message lists the labels there are.
    """
    images = images.take(np.flatnonzero(images.table["label"] != ""))
    text = images.table["label"]
    hit = text.isin(positive).to_numpy()
    if not hit.any():
        found = ", ".join(sorted(set(text))[:12])
        raise InputError("No image has a positive label", got=", ".join(positive), possible=f"Labels there: {found}")
    rest = sorted(set(text[~hit]))
    yes, no = names or (positive[0] if len(positive) == 1 else "positive", rest[0] if len(rest) == 1 else "other")
    return images.with_columns(label=np.where(hit, yes, no), label_source=text)


def coded(images: ImageSet, prefix: str = "P") -> ImageSet:
    """Return the set with patients and studies as plain codes, so that no identifier reaches a run.

    Codes follow the smallest image id of each patient: they depend on pixels, not on names or file order.
    """
    return images.with_columns(patient=_codes(images, "patient", prefix), study=_codes(images, "study", "S"))


def _codes(images: ImageSet, column: str, prefix: str) -> list[str]:
    known = images.table[images.table[column] != ""]
    first = known.groupby(column)["image"].min().sort_values(kind="stable")
    code = {name: f"{prefix}{rank:05d}" for rank, name in enumerate(first.index, start=1)}
    return [code.get(name, "") for name in images.table[column]]


def _rest(real: ImageSet, study: Study) -> str:
    return next(str(label) for label in sorted(set(real.table["label"])) if label != positive_name(study))


def _bring(
    material: Material, folder: Path, origin: str, study: Study, reports: dict[str, ImportReport], report: Report
) -> ImageSet:
    """Return one imported or simulated set, filtered by `where`."""
    name = material.name or (Path(material.source).resolve().stem if material.source else "simulated chests")
    if material.simulated:
        images = simulate(material.simulated, folder, name=name, size=study.size, origin=origin, report=report)
    elif ImageSet.lies_in(Path(material.source)):
        images = taken(material, folder, name=name, origin=origin, report=report)
    else:
        mapping = TableMapping(**material.columns) if material.columns else None
        images, reports[name] = import_images(
            Path(material.source),
            folder,
            name=name,
            origin=origin,
            mapping=mapping,
            root=Path(material.images) if material.images else None,
            patient_key=material.patient_key,
            report=counting(report, "files"),
        )
    if material.split_lists:
        images = listed(images, material.split_lists, Path(material.source))
    kept = images.where(**material.where) if material.where else images
    if not len(kept):
        raise InputError(
            f"No image of {name} is left",
            got=f"{len(images)} imported, where = {material.where}",
            possible="See import.txt in the set's folder, and the values in its table",
        )
    # CT in several windows cannot be compared: one shows all
    return shown_in(kept)


def taken(material: Material, folder: Path, *, name: str, origin: str, report: Report) -> ImageSet:
    """Return an image set that was imported, simulated or made before, copied into the run.

    Raises:
        InputError: a picture is missing or was altered.
        SettingsError: a setting that only files have.
    """
    asked = [key for key in ("images", "columns", "split_lists", "patient_key") if getattr(material, key)]
    if asked:
        raise SettingsError(
            f"{material.source} is an image set already, which these settings cannot change",
            got=", ".join(asked),
            possible="Leave them out, or name the folder or table that the set was imported from",
        )
    images = replace(ImageSet.open(Path(material.source)), name=name)
    if origin == "generated":  # simulated patients may stand in for it; what was made is never called acquired
        images = images.with_columns(origin=origin)
    return images.copied(folder, counting(report, "images"))


def simulate(settings: dict[str, Any], folder: Path, *, name: str, size: int, origin: str, report: Report) -> ImageSet:
    """Return a simulated cohort.

    Raises:
        SettingsError: a setting that a cohort does not have.
    """
    try:
        cohort = Cohort(**{"size": size, **settings})
    except TypeError as error:
        fields = ", ".join(Cohort.__dataclass_fields__)
        raise SettingsError(f"Simulated chests: {error}", possible=f"Settings: {fields}") from None
    made, wanted = folder / "cohort.json", json.dumps(asdict(cohort), sort_keys=True, default=str)
    if made.exists() and made.read_text() == wanted:
        images = ImageSet.open(folder)
    else:
        images = make_phantoms(folder, cohort, report=lambda done, total, unit: report(Progress(done, total, unit)))
        write_atomic(made, wanted.encode())
    return replace(images.with_columns(origin=origin), name=name)


def counting(report: Report, unit: str) -> Callable[[int, int, str], None]:
    """Return the plain callback that the image layer takes."""
    return lambda done, total, note: report(Progress(done, total, unit, note))


def describe(images: ImageSet, imported: ImportReport | None) -> dict[str, Any]:
    """Return what the report says of a set: counts alone, no names of patients."""
    table = images.table
    patients = table["patient"]
    by_split = {
        part: {
            "images": len(rows),
            "patients": int(rows["patient"][rows["patient"] != ""].nunique()),
            "labels": {str(k): int(v) for k, v in rows["label"].value_counts().sort_index().items()},
        }
        for part, rows in table.groupby("split")
        if part
    }
    return {
        "name": images.name,
        "images": len(images),
        "patients": int(patients[patients != ""].nunique()),
        "patients_known": bool((patients != "").all()),
        "labels": {str(k): int(v) for k, v in table["label"].value_counts().sort_index().items()},
        "splits": by_split,
        "fingerprint": images.fingerprint,
        "import": imported.counts if imported else {},
    }


def import_findings(reports: dict[str, ImportReport]) -> list[Finding]:
    """Return how many files of each set were accepted, warned about and rejected."""
    return [
        Finding(
            check="import",
            name=status.replace(" ", "_"),
            value=float(count),
            unit="files",
            method="count, exact",
            slice=f"set={name}",
        )
        for name, imported in sorted(reports.items())
        for status, count in imported.counts.items()
    ]


def stage_seed(study: Study, *names: str) -> np.random.SeedSequence:
    """Return the seed of one stage: it depends on the study's seed and the stage's name alone."""
    return seed_of(study.seed, *names)


def seed_of(seed: int, *names: str) -> np.random.SeedSequence:
    """Return a seed that depends on this one and these names alone."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return np.random.SeedSequence([seed, int.from_bytes(digest[:8], "little")])
