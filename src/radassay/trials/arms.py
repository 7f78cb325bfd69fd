"""What each arm trains on: the same real images, and extra ones that differ in their source alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radassay.contracts import Grey
from radassay.errors import InputError
from radassay.images.sample import Sample
from radassay.trials.plan import CLASSICAL, DUPLICATES, MIXED, MIXED_CLASSICAL, SYNTHETIC, TrialPlan


@dataclass(frozen=True)
class TrialData:
    """Everything the trainings need, as plain arrays, drawn once and the same for every arm and seed."""

    real: Grey
    """(n, size, size) real training images."""
    real_targets: NDArray[np.bool_]
    extra: Grey
    """(m, size, size) the synthetic images that were drawn."""
    extra_targets: NDArray[np.bool_]
    repeats: NDArray[np.intp]
    """(m,) rows of `real` that stand in for them in the duplicates arm; same number of each class."""
    validation: Grey
    validation_targets: NDArray[np.bool_]
    test: Grey

    def of(self, arm: str) -> tuple[Grey, NDArray[np.bool_], bool]:
        """Return pixels, targets and whether to augment, for one arm."""
        if arm == SYNTHETIC:
            return self.extra, self.extra_targets, False
        augment = arm in (CLASSICAL, MIXED_CLASSICAL)
        if arm == DUPLICATES:
            return (
                np.concatenate([self.real, self.real[self.repeats]]),
                np.concatenate([self.real_targets, self.real_targets[self.repeats]]),
                augment,
            )
        if arm in (MIXED, MIXED_CLASSICAL):
            return (
                np.concatenate([self.real, self.extra]),
                np.concatenate([self.real_targets, self.extra_targets]),
                augment,
            )
        return self.real, self.real_targets, augment


def prepare(
    plan: TrialPlan, training: Sample, validation: Sample, test: Sample, synthetic: Sample, positive: str
) -> TrialData:
    """Draw the synthetic images and their count-matched duplicates.

    `ratio` times the number of real images are drawn without replacement; where there are fewer, all are used.

    Raises:
        InputError: a set is empty, or sizes differ.
    """
    sides = set()
    for sample in (training, validation, test, synthetic):
        if not len(sample):
            raise InputError(f"The trial has no images in {sample.name}", possible="Give at least one, better hundreds")
        sides.add(sample.pixels.shape[1:])
    if len(sides) > 1:
        raise InputError("The trial's images differ in size", got=", ".join(str(s) for s in sorted(sides)))
    rng = np.random.default_rng([plan.seed, 1])
    wanted = min(max(1, round(plan.ratio * len(training))), len(synthetic))
    drawn = np.sort(rng.choice(len(synthetic), wanted, replace=False))
    targets, extra_targets = training.labels == positive, synthetic.labels[drawn] == positive
    return TrialData(
        training.pixels,
        targets,
        synthetic.pixels[drawn],
        extra_targets,
        _repeats(targets, extra_targets, rng),
        validation.pixels,
        validation.labels == positive,
        test.pixels,
    )


def _repeats(targets: NDArray[np.bool_], wanted: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.intp]:
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
