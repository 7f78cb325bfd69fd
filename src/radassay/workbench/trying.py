"""The downstream trial of a study: its plan, who may take part, and what is recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from radassay.contracts.progress import Progress, Report
from radassay.engine.processes import cores
from radassay.engine.spread import Where
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run, write_atomic
from radassay.images.imageset import ImageSet
from radassay.images.sample import Sample
from radassay.matching.matcher import describe, match
from radassay.trials.arms import KINDS
from radassay.trials.eligibility import require_real_eligible
from radassay.trials.material import Sets
from radassay.trials.plan import TrialPlan
from radassay.trials.trial import run_trial
from radassay.workbench import making
from radassay.workbench.materials import Materials, positive_name, stage_seed
from radassay.workbench.study import Study

MOST_SHOWN = 200
"""Pairs of one radiograph that a finding names."""
WORTH_PROCESSES = 300
"""Images from which it is worth starting processes."""


def plan_of(study: Study) -> TrialPlan:
    """Return the plan of a study's trial.

    Raises:
        SettingsError: a setting that no plan can have.
    """
    wanted = study.trial
    return TrialPlan(
        arms=tuple(wanted.arms or KINDS),
        doses=tuple(wanted.doses),
        dose=wanted.dose,
        curve=tuple(wanted.curve),
        seeds=wanted.seeds,
        steps=wanted.steps,
        endpoint=wanted.endpoint,
        specificity=wanted.specificity,
        act_at=wanted.act_at,
        margin=wanted.margin,
        harm=wanted.harm,
        subgroups=tuple(wanted.subgroups),
        external=tuple(name_of(number, study) for number in range(len(wanted.external))),
        seed=study.seed,
    )


def name_of(number: int, study: Study) -> str:
    """Return the name that an external set has in findings."""
    material = study.trial.external[number]
    return material.name or f"external-{number + 1}"


class RealImages(NamedTuple):
    """The real images of a trial."""

    training: Sample
    validation: Sample
    test: Sample
    reserve: Sample | None
    external: dict[str, Sample]
    """Those of other hospitals, by name."""
    twins: list[tuple[str, str]]
    """Pairs of ids, one scored and one learned from, that show the same radiograph."""
    left: list[str]
    """Ids of scored images that were left out for it."""


def real_images(study: Study, materials: Materials, test: ImageSet, folder: Path, report: Report) -> RealImages:
    """Return the real images of the trial, if it can be done with them.

    Args:
        study: what was planned.
        materials: real images by split.
        test: the opened test images.
        folder: where the pairs that show the same radiograph are kept, so that they are sought once.
        report: told how far it is.

    Raises:
        RefusedError: the test images are none for this trial; see `radassay.trials.eligibility`.
    """
    outside = {name_of(number, study): images for number, images in enumerate(materials.external)}
    asked = {"test": test, **outside}
    twins = same_radiographs(study, materials, asked, folder / "same_radiographs.json", report)
    left = [] if study.trial.duplicates == "refuse" else sorted({scored for scored, _ in twins})
    asked = {name: images.take(np.flatnonzero(~images.table["image"].isin(left))) for name, images in asked.items()}

    def sample(images: ImageSet, name: str) -> Sample:
        return replace(Sample.of(images, study.size, study.fit), name=name)

    reserve = materials.reserve
    real = RealImages(
        training=sample(materials.training, "training"),
        validation=sample(materials.held_out, "validation"),
        test=sample(asked["test"], "test"),
        reserve=sample(reserve, "reserve") if len(reserve) else None,
        external={name: sample(asked[name], name) for name in outside},
        twins=twins,
        left=left,
    )
    scored = {"validation": real.validation, "test": real.test, **real.external}
    require_real_eligible(scored, real.training, real.reserve, [] if left else twins)
    return real


def try_in_patients(
    study: Study,
    materials: Materials,
    test: ImageSet,
    synthetic: ImageSet,
    record: Run,
    report: Report,
    where: Where | None = None,
) -> None:
    """Record the trial.

    Args:
        study: what was planned.
        materials: real images by split.
        test: the opened test images.
        synthetic: the images on trial.
        record: the run.
        report: told how far it is.
        where: processes of this machine, as many as there are cores, by default.

    Raises:
        RefusedError: the images are none for this trial; see `radassay.trials.eligibility`.
    """
    folder = record.work / "trial"
    real = real_images(study, materials, test, folder, report)
    sets = Sets(
        training=real.training,
        validation=real.validation,
        test=real.test,
        synthetic=replace(Sample.of(synthetic, study.size, study.fit), name="synthetic"),
        reserve=real.reserve,
        external=real.external,
    )
    outcome = run_trial(
        plan_of(study),
        making.plugin("classifiers", study.trial.classifier, study.trial.classifier_settings),
        sets,
        positive_name(study),
        folder,
        report,
        twins=[] if real.left else real.twins,
        where=where or Where(cores()),
    )
    findings = [*outcome.findings, named_twins(study, real)]
    if study.synthetic.generator:
        findings.append(not_refitted())
    record.record("trial", findings, tables={"predictions": outcome.predictions})


def same_radiographs(
    study: Study, materials: Materials, asked: dict[str, ImageSet], kept: Path, report: Report
) -> list[tuple[str, str]]:
    """Return pairs of ids, one scored and one learned from, that show the same radiograph, whatever happened to it."""
    learned = [materials.training, materials.reserve, materials.held_out]
    compared = [images.fingerprint for images in (*asked.values(), *learned)]
    if kept.exists():
        told = json.loads(kept.read_text(encoding="utf-8"))
        if told["compared"] == compared:
            return [(scored, other) for scored, other in told["pairs"]]
    first, second = (_Pictures(sets) for sets in (list(asked.values()), learned))
    rng = np.random.default_rng(stage_seed(study, "trial", "same radiographs"))

    def tell(done: int, total: int, what: str) -> None:
        report(Progress(done, total, what))

    side_by_side = cores() if len(first) + len(second) >= WORTH_PROCESSES else 1
    described = [describe(p.read, len(p), processes=side_by_side, report=tell) for p in (first, second)]
    found = match(*described, rng=rng, processes=side_by_side, report=tell)
    pairs = sorted({(first.ids[i], second.ids[j]) for i, j in found.pairs[found.verified].tolist()})
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(kept, json.dumps({"compared": compared, "pairs": pairs}).encode())
    return pairs


class _Pictures:
    """Pictures of several sets one after the other."""

    def __init__(self, sets: list[ImageSet]) -> None:
        self.places = [(images, row) for images in sets for row in range(len(images))]
        self.ids = [str(image) for images in sets for image in images.table["image"]]

    def __len__(self) -> int:
        return len(self.places)

    def read(self, number: int) -> np.ndarray:
        images, row = self.places[number]
        return images.display(row)


def named_twins(study: Study, real: RealImages) -> Finding:
    """Return how many test images were left out because the trial learns from the same radiograph."""
    asked = len(real.test) + sum(len(sample) for sample in real.external.values())
    return Finding(
        check="trial",
        name="n_left_out_of_test",
        value=float(len(real.left)),
        unit="images",
        method="keypoints and geometry, verified; see the audit's same-radiograph probe",
        n_images=len(real.left) + asked,
        details={"pairs": [list(pair) for pair in real.twins[:MOST_SHOWN]], "asked_for": study.trial.duplicates},
    )


def not_refitted() -> Finding:
    """Return the caution that one generator made all synthetic images."""
    reason = (
        "the generator was trained once on the training patients, not anew in each resample: how another draw of "
        "training patients would have changed the gain is in no interval"
    )
    return Finding(check="trial", name="generator_refitted", reason=reason)
