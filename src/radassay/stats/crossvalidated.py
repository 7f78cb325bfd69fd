"""Areas of models scored by cross-validation, with intervals that count what the training itself adds.

The variance of an area over patients holds the fitted models fixed. Models fitted to other patients would score
otherwise, and near chance that is most of the spread: with pure noise such intervals miss 0.5 far too often. Here the
missing part is measured: the labels are shuffled over patients, everything is fitted again, and what the areas of
shuffled labels spread around chance beyond their own variance over patients is added.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from radassay.stats.auc import Interval, limits
from radassay.stats.discriminant import Discriminant, Matrix, patient_folds

METHOD = "variance over patients (Obuchowski 1997) and over trainings with shuffled labels"
CHANCE = 0.5
PENALTY = 1e-3
"""Ridge penalty as a share of the features' total variance."""
SPREAD_OF = 20
"""Permutations whose variance over patients is worked out; their mean is all that is asked for."""

Rows = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""Which images are ranked, (n,), and which of them should score higher, (n,)."""


@dataclass(frozen=True)
class Estimate:
    """An area or a sum of areas, how each patient moves it, and the same with shuffled labels."""

    values: NDArray[np.float64]
    """(1 + permutations,) the estimate, then what it is with shuffled labels."""
    influence: NDArray[np.float64]
    """(1 + some permutations, patients) how far each patient moves the first values."""
    positives: int
    """Patients with images that should score higher."""
    negatives: int
    """Patients with images that should score lower."""
    least: float = 0.0
    """Variance over patients of a single repeat, where that is to be counted; nothing in sums of estimates."""

    @property
    def value(self) -> float:
        """Return the estimate."""
        return float(self.values[0])

    @property
    def null(self) -> NDArray[np.float64]:
        """Return the values with shuffled labels."""
        return self.values[1:]

    @property
    def variance(self) -> float:
        """Return the variance over patients, the models being as they are."""
        return max(float((self.influence[0] ** 2).sum()), self.least)

    def training_variance(self, centre: float) -> float:
        """Return how much more the values of shuffled labels spread around `centre` than their patients explain."""
        if not len(self.null):
            return 0.0
        spread = float(((self.null - centre) ** 2).mean())
        return max(0.0, spread - float((self.influence[1:] ** 2).sum(axis=1).mean()))

    def area(self, level: float = 0.95) -> Interval:
        """Return the estimate as an area, with its interval on the logit scale."""
        found = limits(
            self.value,
            self.variance,
            self.positives,
            self.negatives,
            training=self.logit_extra,
            freedom=self.freedom,
            level=level,
        )
        return found._replace(method=f"{METHOD}, logit scale") if "Obuchowski" in found.method else found

    @property
    def freedom(self) -> int:
        """Return the degrees of freedom of the variance: patients less two, and no more than the permutations."""
        patients = max(1, self.positives + self.negatives - 2)
        return min(patients, len(self.null)) if len(self.null) else patients

    @property
    def logit_extra(self) -> float:
        """Return the variance of training on the logit scale, on which it is taken to be the same for all areas."""
        return self.training_variance(CHANCE) / (CHANCE * (1 - CHANCE)) ** 2

    def difference(self, level: float = 0.95) -> Interval:
        """Return the estimate as a difference of areas, with a normal interval within [-1, 1]."""
        half = float(t.ppf(0.5 + level / 2, self.freedom)) * math.sqrt(self.variance + self.training_variance(0.0))
        if not math.isfinite(half):
            return Interval(self.value, -1.0, 1.0, "no variance: one class comes from a single patient")
        return Interval(self.value, max(-1.0, self.value - half), min(1.0, self.value + half), METHOD)

    def __sub__(self, other: Estimate) -> Estimate:
        return self._with(self.values - other.values, self.influence - other.influence)

    def _with(self, values: NDArray[np.float64], influence: NDArray[np.float64]) -> Estimate:
        return Estimate(values, influence, self.positives, self.negatives)


def mean_of(estimates: list[Estimate], weights: list[float] | None = None, *, apart: bool = False) -> Estimate:
    """Return the weighted mean of estimates about the same patients, numbered alike.

    Args:
        estimates: at least one.
        weights: one an estimate; equal unless told.
        apart: whether the estimates rank different patients, whose numbers then add up.
    """
    share = np.asarray(weights if weights is not None else [1.0] * len(estimates), dtype=np.float64)
    share = share / share.sum()
    values = np.tensordot(share, np.stack([e.values for e in estimates]), axes=1)
    influence = np.tensordot(share, np.stack([e.influence for e in estimates]), axes=1)
    count = sum if apart else min
    return Estimate(values, influence, count(e.positives for e in estimates), count(e.negatives for e in estimates))


@dataclass(frozen=True)
class Question:
    """Labels of images, the same labels shuffled over patients, and several ways to deal the patients into folds."""

    targets: NDArray[np.bool_]
    """(n, 1 + permutations) the labels, then shuffled ones."""
    fold: NDArray[np.integer[Any]]
    """(repeats, n) fold of each image."""
    patients: NDArray[np.integer[Any]]
    """(n,) number of the patient, from 0."""
    penalty: float = PENALTY
    """Ridge penalty as a share of the features' total variance."""

    @classmethod
    def ask(
        cls,
        positive: NDArray[np.bool_],
        patients: NDArray[np.str_],
        rng: np.random.Generator,
        *,
        folds: int = 5,
        repeats: int = 5,
        permutations: int = 60,
        penalty: float = PENALTY,
    ) -> Question:
        """Return the question whether these images, (n,), can be told to be positive."""
        positive = np.asarray(positive, dtype=bool)
        cluster = np.unique(np.asarray(patients), return_inverse=True)[1]
        mixed = [shuffled(positive, cluster, rng) for _ in range(permutations)]
        fold = [patient_folds(positive, patients, folds, repeat) for repeat in range(repeats)]
        return cls(np.stack([positive, *mixed], axis=1), np.stack(fold), cluster, penalty)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return the labels, (n,)."""
        return self.targets[:, 0]

    def model(self, features: Matrix) -> Discriminant:
        """Return the discriminant of features (n, d), to be asked for scores."""
        return model_of(features, len(np.unique(self.fold[0])), self.penalty)

    def scores(self, features: Matrix | Discriminant) -> NDArray[np.float64]:
        """Return scores out of fold, (repeats, n, 1 + permutations)."""
        model = features if isinstance(features, Discriminant) else self.model(features)
        targets = self.targets.astype(np.float64)
        return np.stack([model.scores(targets, fold) for fold in self.fold])

    def estimate(
        self,
        scores: NDArray[np.float64],
        ranked: Callable[[NDArray[np.bool_]], Rows] | None = None,
        fold: NDArray[np.integer[Any]] | None = None,
        *,
        few_values: bool = False,
    ) -> Estimate:
        """Return the area of scores, (repeats, n, 1 + k), the mean over repeats.

        Only images of the same fold are compared. Between folds the models differ, and in the wrong direction: a fold
        that holds many positives leaves few to learn from (Parker et al., BMC Bioinformatics 2007;8:326).

        Args:
            scores: from `scores`, or of another model; without shuffled labels k is 0.
            ranked: which images are ranked, and which of them should score higher, given labels (n,); all images
                and the labels themselves unless told. Shuffled labels that leave fewer than two patients on a side
                count as chance.
            fold: (repeats, n) fold of each image, where it is not the question's own.
            few_values: whether the features take so few values that models of different splits may point opposite
                ways. What a patient adds in one repeat and takes in another then cancels, most where the area is
                lowest: the variance is that of a single repeat.

        Raises:
            ValueError: the labels as they are leave positives or negatives alone.
        """
        targets = self.targets[:, : scores.shape[2]].T
        rows = [(np.ones(len(t), dtype=bool), t) if ranked is None else ranked(t) for t in targets]
        some = np.stack([r[0] for r in rows])
        sides = np.stack([some & np.stack([r[1] for r in rows]), some & ~np.stack([r[1] for r in rows])])
        units = [[len(np.unique(self.patients[side])) for side in column] for column in sides.transpose(1, 0, 2)]
        if min(units[0]) < 1:
            raise ValueError("an area under the ROC curve needs positives and negatives")
        moved = sides[:, : 1 + SPREAD_OF]
        clusters = int(self.patients.max()) + 1
        values, influence, single = np.zeros(len(targets)), np.zeros((moved.shape[1], clusters)), 0.0
        for repeat, part in enumerate(self.fold[: len(scores)] if fold is None else fold):
            areas, moves = _within(scores[repeat].T, sides, part, moved.shape[1])
            values += areas / len(scores)
            factor = np.array([[_small(n) for n in column] for column in units[: moved.shape[1]]]).T
            share = (moves * factor[:, :, None]).sum(axis=0)
            mine = np.stack([np.bincount(self.patients, row, minlength=clusters) for row in share])
            single += float((mine[0] ** 2).sum()) / len(scores)
            influence += mine / len(scores)
        blank = np.array([column > 0 and min(n) < 2 for column, n in enumerate(units)])
        values[blank] = CHANCE
        influence[blank[: len(influence)]] = 0.0
        if min(units[0]) < 2:  # a single patient has no variance
            influence[0] = math.inf
        return Estimate(values, influence, units[0][0], units[0][1], single if few_values else 0.0)


def _small(units: int) -> float:
    """Return the factor by which the spread of few patients looks too small."""
    return math.sqrt(units / max(1, units - 1))


def _within(
    scores: NDArray[np.float64], sides: NDArray[np.bool_], fold: NDArray[np.integer[Any]], moved: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the areas of pairs of the same fold, and how far each image moves the first of them.

    The influence of an image is that of a ratio of two U-statistics, pairs in the right order and pairs, to first
    order; with one fold it is that of DeLong et al. (Biometrics 1988;44:837).

    Args:
        scores: (m, n).
        sides: (2, m, n) which images should score higher, and which lower.
        fold: (n,).
        moved: of how many areas influences are asked for.

    Returns:
        (m,) areas, 0.5 where no fold holds both; (2, moved, n) influences of images on either side.
    """
    right, pairs = np.zeros(len(scores)), np.zeros(len(scores))
    beaten, met = np.zeros((2, moved, scores.shape[1])), np.zeros((2, moved, scores.shape[1]))
    for k in np.unique(fold):
        part = fold == k
        here, inside = sides[:, :, part], scores[:, part]
        count = here.sum(axis=2)
        # what does not count ranks above all that does, and so changes no rank
        ranks = rankdata(np.where(here.any(axis=0), inside, np.inf), axis=1)
        right += (ranks * here[0]).sum(axis=1) - count[0] * (count[0] + 1) / 2
        pairs += count[0] * count[1]
        for side, sign in ((0, 1), (1, -1)):
            own = rankdata(np.where(here[side, :moved], inside[:moved], np.inf), axis=1)
            others = count[1 - side, :moved, None]
            below = ranks[:moved] - own
            beaten[side][:, part] = (below if sign > 0 else others - below) * here[side, :moved]
            met[side][:, part] = others * here[side, :moved]
    whole = np.maximum(pairs, 1)
    areas = np.where(pairs > 0, right / whole, CHANCE)
    return areas, (beaten - areas[:moved, None] * met) / whole[:moved, None]


def model_of(features: Matrix, folds: int = 5, penalty: float = PENALTY) -> Discriminant:
    """Return the discriminant of features, (n, d), that any question about these images may be put to.

    Its penalty is a share of the variance of the images that a fold leaves to fit to.
    """
    return Discriminant(features, penalty * (1 - 1 / folds))


def shuffled(
    positive: NDArray[np.bool_], cluster: NDArray[np.integer[Any]], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return labels shuffled over patients: the patients' blocks of labels are laid out in a random order."""
    home = np.argsort(cluster, kind="stable")
    place = rng.permutation(int(cluster.max()) + 1)
    out = np.empty(len(positive), dtype=bool)
    out[home] = positive[np.argsort(place[cluster], kind="stable")]
    return out
