"""The trial's raw observations: every training's scores on the test images, durable and never made twice."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts import Classifier, Progress, Report, silent
from radassay.engine.processes import processes
from radassay.errors import RadassayError, SettingsError, StorageError
from radassay.evidence.finding import Finding
from radassay.evidence.run import storage, write_atomic
from radassay.images.sample import Sample
from radassay.trials.analyse import analyse
from radassay.trials.arms import TrialData, prepare
from radassay.trials.eligibility import require_eligible
from radassay.trials.plan import TrialPlan, detectable_gain, slug

Training = tuple[str, int]
"""An arm and a seed index."""
Scores = NDArray[np.float64]


def run_trial(
    plan: TrialPlan,
    classifier: Classifier,
    training: Sample,
    validation: Sample,
    test: Sample,
    synthetic: Sample,
    positive: str,
    folder: Path,
    report: Report = silent,
    *,
    workers: int = 1,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Do all trainings of the plan that are not yet done, and analyse them.

    Args:
        plan: fixed before; another plan, classifier or data in the same folder is refused.
        classifier: trained once for every arm and seed, from the same start in every arm.
        training: real images learned from.
        validation: real images that choose the snapshot.
        test: real images of other patients, seen by the finished models alone.
        synthetic: the images on trial.
        positive: the label that counts as positive; all others are negative.
        folder: `plan.json` and `records/*.parquet`, one a training; a killed trial resumes from them.
        report: told after every training.
        workers: processes that train side by side. With a classifier that does not depend on the number of threads
            the scores are the same for any number.

    Returns:
        The predictions, one row an arm, seed and test image (`arm`, `seed`, `patient`, `image`, `label`, `score`), and
        the findings.

    Raises:
        RefusedError: a test image is not acquired, or test and training share a patient or an image.
        SettingsError: the folder holds the records of another trial.
        InputError: a set is empty, or sizes differ.
        StorageError: the folder cannot be written.
        RadassayError: a worker process was killed.
    """
    require_eligible(training, validation, test, synthetic)
    data = prepare(plan, training, validation, test, synthetic, positive)
    inputs = tuple(s.fingerprint[:16] for s in (training, validation, test, synthetic))
    _claim(folder, plan, classifier, inputs, positive)
    record(plan, classifier, data, folder / "records", report, workers=workers)
    predictions = _joined(plan, test, positive, folder / "records")
    truth = test.labels == positive
    before = [
        detectable_gain(plan, len(np.unique(test.patients[truth])), len(np.unique(test.patients[~truth]))),
        _dose(plan, data, len(synthetic)),
    ]
    return predictions, [_with_inputs(f, inputs) for f in (*before, *analyse(predictions, plan))]


def record(
    plan: TrialPlan, classifier: Classifier, data: TrialData, folder: Path, report: Report, *, workers: int
) -> None:
    """Train every arm and seed whose record is missing and write its scores."""
    missing = [t for t in plan.trainings if not _path(folder, t).exists()]
    total = len(plan.trainings)
    report(Progress(total - len(missing), total, "trainings"))
    for done, (training, scores) in enumerate(_trained(plan, classifier, data, missing, workers), start=1):
        buffer = io.BytesIO()
        pd.DataFrame({"score": np.asarray(scores, dtype=np.float64)}).to_parquet(buffer, index=False)
        with storage(folder):
            write_atomic(_path(folder, training), buffer.getvalue())
        note = f"{training[0]}, seed {training[1]}"
        report(Progress(total - len(missing) + done, total, "trainings", note))


def _trained(
    plan: TrialPlan, classifier: Classifier, data: TrialData, missing: Sequence[Training], workers: int
) -> Iterator[tuple[Training, Scores]]:
    """Yield each training with its scores as it ends, in whatever order."""
    if min(workers, len(missing)) <= 1:
        for training in missing:
            yield training, _train(plan, classifier, data, training)
        return
    with processes(min(workers, len(missing)), _start_worker, plan, classifier, data) as pool:
        running = {pool.submit(_train_here, training): training for training in missing}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BrokenProcessPool:
            raise RadassayError(
                "A process that trained for the trial was ended from outside, perhaps for want of memory",
                possible="Finished trainings are kept; run the same command again, with fewer workers",
            ) from None
        finally:
            for future in running:
                future.cancel()


def _train(plan: TrialPlan, classifier: Classifier, data: TrialData, training: Training) -> Scores:
    arm, index = training
    pixels, targets, augment = data.of(arm)
    # the seed depends on the index alone, so that every arm starts from the same weights
    seed = int(np.random.SeedSequence([plan.seed, 2, index]).generate_state(1)[0])
    validation = (data.validation, data.validation_targets)
    return classifier.fit_score(pixels, targets, validation, data.test, steps=plan.steps, augment=augment, seed=seed)


_WORK: list[tuple[TrialPlan, Classifier, TrialData]] = []
"""What a worker process trains on, handed over once at its start instead of with every training."""


def _start_worker(plan: TrialPlan, classifier: Classifier, data: TrialData) -> None:
    _WORK[:] = [(plan, classifier, data)]


def _train_here(training: Training) -> Scores:
    plan, classifier, data = _WORK[0]
    return _train(plan, classifier, data, training)


def _path(folder: Path, training: Training) -> Path:
    return folder / f"{slug(training[0])}-{training[1]:03d}.parquet"


def _claim(folder: Path, plan: TrialPlan, classifier: Classifier, inputs: Sequence[str], positive: str) -> None:
    """Write down what the records in this folder are of, or refuse when they are of something else."""
    mine = {
        "plan": plan.hash,
        "classifier": [classifier.name, repr(classifier)],
        "images": list(inputs),
        "positive": positive,
    }
    path = folder / "plan.json"
    with storage(folder):
        if not path.exists():
            write_atomic(path, (json.dumps({**mine, "fields": asdict(plan)}, indent=1) + "\n").encode())
            return
        known = json.loads(path.read_text(encoding="utf-8"))
    other = [key for key in mine if known.get(key) != mine[key]]
    if other:
        raise SettingsError(
            f"{folder} holds the records of another trial",
            got="other " + ", ".join(other),
            possible="Use an empty folder, or the plan, classifier and images of that trial to resume it",
        )


def _joined(plan: TrialPlan, test: Sample, positive: str, folder: Path) -> pd.DataFrame:
    """Return all predictions, arms in the order of the plan."""
    parts = []
    for arm, seed in sorted(plan.trainings, key=lambda t: (plan.arms.index(t[0]), t[1])):
        scores = pd.read_parquet(_path(folder, (arm, seed)))["score"].to_numpy()
        if len(scores) != len(test):
            raise StorageError(
                f"The record of {arm}, seed {seed}, does not fit the test images",
                got=f"{len(scores)} scores for {len(test)} images",
                possible=f"Delete {_path(folder, (arm, seed)).name} and run the same command again",
            )
        rows = {"arm": arm, "seed": seed, "patient": test.patients, "image": test.images}
        parts.append(pd.DataFrame({**rows, "label": test.labels == positive, "score": scores}))
    return pd.concat(parts, ignore_index=True)


def _dose(plan: TrialPlan, data: TrialData, there_are: int) -> Finding:
    """Return how many synthetic images a real one the mixed arms had."""
    used, real = len(data.extra), len(data.real)
    short = used < round(plan.ratio * real)
    return Finding(
        check="trial",
        name="synthetic_per_real",
        value=used / real,
        reason=f"the plan asks for {plan.ratio:g}, but there are only {there_are} images" if short else "",
        method="count, exact",
        n_images=used,
        unit="images per real image",
        details={
            "counts": {
                "real_positive": int(data.real_targets.sum()),
                "real_negative": int((~data.real_targets).sum()),
                "synthetic_positive": int(data.extra_targets.sum()),
                "synthetic_negative": int((~data.extra_targets).sum()),
            }
        },
    )


def _with_inputs(finding: Finding, inputs: tuple[str, ...]) -> Finding:
    return replace(finding, inputs=inputs)
