"""The downstream trial of a study: its plan, who may take part, and what is recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from radassay.contracts.progress import Progress, Report
from radassay.engine.processes import cores
from radassay.engine.spread import Where
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.images.imageset import ImageSet
from radassay.images.sample import Sample
from radassay.matching.matcher import describe, match
from radassay.trials.arms import KINDS
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
        RefusedError: the test images are none for this trial; see `radassay.trials.eligibility`.
    """
    outside = {name_of(number, study): images for number, images in enumerate(materials.external)}
    asked = {"test": test, **outside}
    twins = same_radiographs(study, materials, asked, report)
    left = [] if study.trial.duplicates == "refuse" else sorted({scored for scored, _ in twins})
    asked = {name: images.take(np.flatnonzero(~images.table["image"].isin(left))) for name, images in asked.items()}

    def sample(images: ImageSet, name: str = "") -> Sample:
        made = Sample.of(images, study.size, study.fit)
        return replace(made, name=name) if name else made

    reserve = materials.reserve
    sets = Sets(
        training=sample(materials.training, "training"),
        validation=sample(materials.held_out, "validation"),
        test=sample(asked["test"], "test"),
        synthetic=sample(synthetic, "synthetic"),
        reserve=sample(reserve, "reserve") if len(reserve) else None,
        external={name: sample(asked[name], name) for name in outside},
    )
    outcome = run_trial(
        plan_of(study),
        making.plugin("classifiers", study.trial.classifier, study.trial.classifier_settings),
        sets,
        positive_name(study),
        record.work / "trial",
        report,
        twins=[] if left else twins,
        where=where or Where(cores()),
    )
    findings = [*outcome.findings, named_twins(study, twins, left, asked)]
    if study.synthetic.generator:
        findings.append(not_refitted())
    record.record("trial", findings, tables={"predictions": outcome.predictions})


def same_radiographs(
    study: Study, materials: Materials, asked: dict[str, ImageSet], report: Report
) -> list[tuple[str, str]]:
    """Return pairs of ids, one scored and one learned from, that show the same radiograph, whatever happened to it."""
    learned = [materials.training, materials.reserve, materials.held_out]
    first, second = (_Pictures(sets) for sets in (list(asked.values()), learned))
    rng = np.random.default_rng(stage_seed(study, "trial", "same radiographs"))

    def tell(done: int, total: int, what: str) -> None:
        report(Progress(done, total, what))

    side_by_side = cores() if len(first) + len(second) >= WORTH_PROCESSES else 1
    described = [describe(p.read, len(p), processes=side_by_side, report=tell) for p in (first, second)]
    found = match(*described, rng=rng, processes=side_by_side, report=tell)
    pairs = found.pairs[found.verified]
    return sorted({(first.ids[i], second.ids[j]) for i, j in pairs.tolist()})


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


def named_twins(study: Study, twins: list[tuple[str, str]], left: list[str], asked: dict[str, ImageSet]) -> Finding:
    """Return how many test images were left out because the trial learns from the same radiograph."""
    return Finding(
        check="trial",
        name="n_left_out_of_test",
        value=float(len(left)),
        unit="images",
        method="keypoints and geometry, verified; see the audit's same-radiograph probe",
        n_images=len(left) + sum(len(images) for images in asked.values()),
        details={"pairs": [list(pair) for pair in twins[:MOST_SHOWN]], "asked_for": study.trial.duplicates},
    )


def not_refitted() -> Finding:
    """Return the caution that one generator made all synthetic images."""
    reason = (
        "the generator was trained once on the training patients, not anew in each resample: how another draw of "
        "training patients would have changed the gain is in no interval"
    )
    return Finding(check="trial", name="generator_refitted", reason=reason)
