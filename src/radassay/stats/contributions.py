"""What each test patient contributes to the areas of several arms and trainings, and how they vary together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from radassay.stats.auc import cluster_sums, placements

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contributions:
    """Areas of arms and trainings, and their covariance over patients and over trainings."""

    areas: Floats
    """(arms, trainings)."""
    of_patients: Floats
    """(arms, arms) covariance of the means over trainings that test patients cause (Obuchowski 1997)."""
    seen: Floats
    """(arms, arms) covariance between trainings, as seen on these test patients."""
    interaction: Floats
    """(arms, arms) the part of it that comes of few test patients and is in `of_patients` already."""
    units: int
    """Patients of the smaller class."""

    @property
    def mean(self) -> Floats:
        """Return (arms,), the mean over trainings."""
        mean: Floats = self.areas.mean(axis=1)
        return mean

    @property
    def trainings(self) -> int:
        """Return the number of trainings an arm."""
        return int(self.areas.shape[1])

    @property
    def between(self) -> Floats:
        """Return (arms, arms), the covariance between trainings were there endless test patients.

        As the difference of two estimates it is not sure to be positive definite.
        """
        return self.seen - self.interaction

    def reach(self, contrasts: Floats, level: float = 0.95) -> Floats:
        """Return half the width, (g,), of the interval of each contrast of the means over trainings, (g, arms)."""
        error, freedom = self.error(contrasts)
        return np.asarray(student.ppf(0.5 + level / 2, freedom) * error)

    def error(self, contrasts: Floats) -> tuple[Floats, Floats]:
        """Return the standard error of each contrast and its degrees of freedom (Satterthwaite 1946), (g,) each.

        Args:
            contrasts: (g, arms)
        """
        patients, trainings, seen = (
            np.clip(np.einsum("ga,ab,gb->g", contrasts, m, contrasts), 0, None)
            for m in (self.of_patients, self.between / self.trainings, self.seen / self.trainings)
        )
        total = patients + trainings
        # what is taken off the spread of the trainings makes it smaller, not better known
        parts = patients**2 / (self.units - 1) + seen**2 / max(self.trainings - 1, 1)
        freedom = np.divide(total**2, parts, out=np.full(len(total), float(self.units - 1)), where=parts > 0)
        return np.sqrt(total), np.maximum(freedom, 1.0)


def contributions(scores: Floats, labels: NDArray[np.bool_], patients: NDArray[np.str_]) -> Contributions:
    """Return areas and covariances of crossed patients and trainings.

    Two trainings differ more on few test patients than on all there could be. That part, the interaction of patients
    and trainings, is in the covariance over patients already; the method of moments takes it off the one between
    trainings (Cameron, Gelbach and Miller, J Bus Econ Stat 2011;29:238, eq. 2.13, for a mean).

    With one training the covariance is Obuchowski's, and with one image a patient DeLong's; trainings then count for
    nothing, because nothing is known of them.

    Args:
        scores: (arms, trainings, n)
        labels: (n,) both classes, each of 2 patients or more.
        patients: (n,) independent unit of each image.

    Raises:
        ValueError: one class, a class of one patient, or scores that are not finite.
    """
    arms, trainings, _ = scores.shape
    labels = np.asarray(labels, dtype=bool)
    _, unit = np.unique(np.asarray(patients), return_inverse=True)
    units = min(len(np.unique(unit[labels])), len(np.unique(unit[~labels])))
    if units < 2:
        raise ValueError("contributions need two patients of each class")
    above, below = placements(scores.reshape(arms * trainings, -1), labels)
    areas = above.mean(axis=1)
    parts = np.zeros((arms * trainings, int(unit.max()) + 1))
    for values, rows in ((above, labels), (below, ~labels)):
        clusters = len(np.unique(unit[rows]))
        excess = (values - areas[:, None]) * np.sqrt(clusters / (clusters - 1)) / rows.sum()
        parts += cluster_sums(excess, unit[rows], parts.shape[1])
    parts = parts.reshape(arms, trainings, -1)
    centre = parts.mean(axis=1)
    areas = areas.reshape(arms, trainings)
    if trainings == 1:
        return Contributions(areas, centre @ centre.T, np.zeros((arms, arms)), np.zeros((arms, arms)), units)
    own = parts - centre[:, None]
    interaction = np.einsum("asj,bsj->ab", own, own) / (trainings - 1)
    return Contributions(areas, centre @ centre.T, np.atleast_2d(np.cov(areas)), interaction, units)
