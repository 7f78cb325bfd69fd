"""A trial from its plan to its findings: who may take part, what is recorded, what is told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from radassay.contracts.classifier import Classifier
from radassay.contracts.progress import Report, silent
from radassay.engine.spread import Where
from radassay.errors import SettingsError
from radassay.evidence.finding import Finding
from radassay.evidence.run import storage, write_atomic
from radassay.trials.analyse import analyse
from radassay.trials.arms import Arm, made
from radassay.trials.eligibility import require_eligible
from radassay.trials.material import Material, Sets, told_of
from radassay.trials.observed import Trial
from radassay.trials.plan import TrialPlan, power
from radassay.trials.record import record


@dataclass(frozen=True)
class Outcome:
    """What a trial ends in."""

    predictions: pd.DataFrame
    """One row an arm, seed and scored image: arm, seed, fold, image, patient, site, sex, age, view, label, score."""
    findings: list[Finding]


def run_trial(
    plan: TrialPlan,
    classifier: Classifier,
    sets: Sets,
    positive: str,
    folder: Path,
    report: Report = silent,
    *,
    twins: Sequence[tuple[str, str]] = (),
    where: Where | None = None,
) -> Outcome:
    """Do all trainings of the plan that are not yet done, and analyse them.

    Args:
        plan: fixed before; one whose trainings are others goes to records of its own.
        classifier: trained once for every arm and seed, from the same start in every arm.
        sets: the images.
        positive: the label that counts as positive; all others are negative.
        folder: `records/RECIPE/*.parquet`, one a training; a killed trial resumes from them.
        report: told of every training, those of one group together.
        twins: pairs of image ids, one scored and one learned from, that show the same radiograph.
        where: this process by default. With a classifier that does not depend on the number of threads the scores are
            the same anywhere.

    Raises:
        RefusedError: a test image is not acquired, or test and training share a patient, an image or a radiograph.
        InputError: a set is empty, or sizes differ.
        StorageError: the folder cannot be written.
        RadassayError: a worker process was killed.
    """
    require_eligible(sets, twins)
    if set(plan.external) != set(sets.external or {}):
        raise SettingsError("The plan names other external sets than there are", got=tuple(sets.external or {}))
    material = Material.of(sets, positive)
    arms = arms_of(plan, material)
    inputs = tuple(sample.fingerprint[:16] for sample in sets.all)
    recipe = _recipe(plan, classifier, inputs, positive, folder / "records")
    recorded = record(plan, classifier, material, arms, recipe, report, where or Where())
    told = told_of(sets, positive)
    trial = Trial(plan, arms, recorded, told, material.training_patients, material.reserve_patients)
    truth = sets.test.labels == positive
    units = [len(set(sets.test.patients[rows])) for rows in (truth, ~truth)]
    findings = [power(plan, *units), *(_dose(material, arm) for arm in arms if arm.extra == "synthetic" and arm.real)]
    return Outcome(trial.predictions(), [replace(f, inputs=inputs) for f in (*findings, *analyse(trial))])


def arms_of(plan: TrialPlan, material: Material) -> tuple[Arm, ...]:
    """Return the arms that there are images and patients for."""
    arms = made(plan.arms, material.doses(plan), plan.dose, material.sizes(plan))
    return tuple(arm for arm in arms if arm.extra != "held-out" or material.reserve)


def _recipe(plan: TrialPlan, classifier: Classifier, inputs: tuple[str, ...], positive: str, folder: Path) -> Path:
    """Return the folder of the trainings of this recipe, marked with what they are of."""
    mine = {
        "plan": plan.recipe,
        "classifier": [classifier.name, repr(classifier)],
        "images": list(inputs),
        "positive": positive,
    }
    text = json.dumps(mine, indent=1, sort_keys=True)
    recipe = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
    with storage(recipe):
        recipe.mkdir(parents=True, exist_ok=True)
        write_atomic(recipe / "recipe.json", f"{text}\n".encode())
    return recipe


def _dose(material: Material, arm: Arm) -> Finding:
    """Return how many synthetic images a real one an arm had."""
    used, real = material.dosage(arm.dose), material.real
    short = used < round(arm.dose * real)
    targets, made_ = material.targets[:real], material.targets[real + material.reserve :]
    return Finding(
        check="trial",
        name="synthetic_per_real",
        value=used / real,
        slice="all" if arm.name == "real+synthetic" else f"dose={arm.dose:g}",
        reason=f"the plan asks for {arm.dose:g}, but there are only {material.synthetic} images" if short else "",
        method="count, exact",
        n_images=used,
        unit="images per real image",
        details={
            "counts": {
                "real_positive": int(targets.sum()),
                "real_negative": int((~targets).sum()),
                "synthetic_positive": int(made_.sum()),
                "synthetic_negative": int((~made_).sum()),
            }
        },
    )
