"""The trial's raw observations: every training's scores, durable and never made twice."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.classifier import Classifier
from radassay.contracts.progress import Progress, Report
from radassay.engine.processes import cores
from radassay.engine.spread import Where, spread
from radassay.errors import RadassayError, StorageError
from radassay.evidence.run import storage, write_atomic
from radassay.stats.auc import auc
from radassay.trials.arms import CLASSICAL, REAL, Arm
from radassay.trials.material import Material, OnDisk
from radassay.trials.plan import TrialPlan

T = TypeVar("T")
Scores = NDArray[np.float64]
AT_ONCE = 5
"""Most trainings of one seed that a process does together: more share little more, and are lost when it is killed."""


@dataclass(frozen=True)
class Training:
    """One arm and seed index."""

    arm: Arm
    index: int
    augment: bool

    @property
    def file(self) -> str:
        """Return the name of its record."""
        return f"{self.arm.slug}{'-augmented' * self.augment}-{self.index:03d}.parquet"

    @property
    def told(self) -> str:
        """Return the training in words."""
        return f"{self.arm.name}, seed {self.index}"


@dataclass(frozen=True)
class Work:
    """What every training needs."""

    plan: TrialPlan
    classifier: Classifier
    material: Material | OnDisk


@dataclass(frozen=True)
class Record:
    """The scores of all trainings."""

    scores: Mapping[str, Scores]
    """(seeds, asked) of each arm, by its name."""
    augmented: bool
    """Whether classical augmentation was the better on validation images, so that the other arms have it too."""


def record(
    plan: TrialPlan,
    classifier: Classifier,
    material: Material,
    arms: Sequence[Arm],
    folder: Path,
    report: Report,
    where: Where,
) -> Record:
    """Train every arm and seed whose record is missing, and return all scores.

    The real arms without and with classical augmentation come first: the one that is better on the validation images
    tells whether the others are augmented. Of one seed all arms come before the next seed.

    Args:
        plan: seeds and steps.
        classifier: what is trained.
        material: what it learns from and is asked.
        arms: those of the plan.
        folder: one file a training; those that are there are not made again.
        report: told of every training, those of one group together.
        where: processes of this machine or a Ray cluster.

    Raises:
        StorageError: the folder cannot be written, or a record does not fit the images.
        RadassayError: a worker process was killed.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for torn in folder.glob("*.tmp"):
            torn.unlink()
    shared = Work(plan, classifier, material if where.ray else OnDisk.written(material, folder / "pixels"))
    first = [arm for arm in arms if arm.name in (REAL, CLASSICAL)]
    rest = [arm for arm in arms if arm not in first]
    total, length = len(arms) * plan.seeds, len(material.asked)
    told = _Told(report, total)
    trainings = [Training(arm, i, arm.augment == "always") for i in range(plan.seeds) for arm in first]
    _train(shared, trainings, folder, told, where)
    scores = {arm.name: _read(arm, arm.augment == "always", plan, folder, length) for arm in first}
    augmented = _chosen(scores, material.validation)
    _train(shared, [Training(arm, i, augmented) for i in range(plan.seeds) for arm in rest], folder, told, where)
    scores |= {arm.name: _read(arm, augmented, plan, folder, length) for arm in rest}
    return Record({arm.name: scores[arm.name] for arm in arms}, augmented)


def trained(shared: Work, trainings: Sequence[Training]) -> list[Scores]:
    """Return the scores of some trainings of one seed, (asked,) each; the work of one process."""
    material = shared.material.open() if isinstance(shared.material, OnDisk) else shared.material
    jobs = [material.job(shared.plan, t.arm, t.index, augment=t.augment) for t in trainings]
    validation = (material.asked[: len(material.validation)], material.validation)
    return list(
        shared.classifier.fit_scores(material.learned, jobs, validation, material.asked, steps=shared.plan.steps)
    )


def parted(seeds: Sequence[Sequence[T]], workers: int) -> list[list[T]]:
    """Return the trainings of some seeds in groups of one seed, in their order: few large ones, as many a worker.

    Args:
        seeds: what is to be trained, seed by seed.
        workers: processes that work on the groups.
    """
    longest = max(map(len, seeds), default=0)
    parts = -(-longest // AT_ONCE)
    while parts < longest and parts * len(seeds) % workers:
        parts += 1
    groups = []
    for same in seeds:
        count = min(parts, len(same))
        cuts = [len(same) * i // count for i in range(count + 1)]
        groups += [list(same[start:stop]) for start, stop in pairwise(cuts)]
    return groups


class _Told:
    """Counts trainings for the report."""

    def __init__(self, report: Report, total: int) -> None:
        self.report, self.total, self.done = report, total, 0

    def more(self, count: int, note: str = "") -> None:
        self.done += count
        self.report(Progress(self.done, self.total, "trainings", note))


def _train(shared: Work, trainings: Sequence[Training], folder: Path, told: _Told, where: Where) -> None:
    """Do the trainings that have no record yet."""
    missing = [t for t in trainings if not (folder / t.file).exists()]
    told.more(len(trainings) - len(missing))
    # how many machines a cluster has may change: there each training is a task of its own
    seeds = [list(same) for _, same in groupby(missing, lambda training: training.index)]
    groups = [[t] for t in missing] if where.ray else parted(seeds, where.workers or cores())
    for number, found in _spread(shared, groups, where):
        for training, scores in zip(groups[number], found, strict=True):
            buffer = io.BytesIO()
            pd.DataFrame({"score": np.asarray(scores, dtype=np.float64)}).to_parquet(buffer, index=False)
            with storage(folder):
                write_atomic(folder / training.file, buffer.getvalue())
            told.more(1, training.told)


def _spread(shared: Work, groups: Sequence[Sequence[Training]], where: Where) -> Iterator[tuple[int, list[Scores]]]:
    try:
        yield from spread(trained, shared, groups, where)
    except BrokenProcessPool:
        raise RadassayError(
            "A process that trained for the trial was ended from outside, perhaps for want of memory",
            possible="Finished trainings are kept; run the same command again, with fewer workers",
        ) from None


def _read(arm: Arm, augment: bool, plan: TrialPlan, folder: Path, length: int) -> Scores:
    """Return the scores of all trainings of an arm, (seeds, asked)."""
    rows = []
    for index in range(plan.seeds):
        file = Training(arm, index, augment).file
        scores = pd.read_parquet(folder / file)["score"].to_numpy(dtype=np.float64)
        if len(scores) != length:
            raise StorageError(
                f"The record of {arm.name}, seed {index}, does not fit the images",
                got=f"{len(scores)} scores for {length} images",
                possible=f"Delete {file} and run the same command again",
            )
        rows.append(scores)
    return np.stack(rows)


def _chosen(scores: Mapping[str, Scores], validation: NDArray[np.bool_]) -> bool:
    """Return whether augmentation is the better on the validation images, by the mean area over seeds."""
    if CLASSICAL not in scores:
        return False
    if not validation.any() or validation.all():
        return True
    means = {}
    for name, rows in scores.items():
        part = rows[:, : len(validation)]
        means[name] = np.mean([auc(row, validation) for row in part]) if np.isfinite(part).all() else -np.inf
    return bool(means[CLASSICAL] >= means[REAL])
