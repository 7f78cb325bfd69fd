"""Differences in subgroups, and the worst of them with an interval that knows it was picked out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from radassay.stats.contributions import contributions
from radassay.stats.noninferiority import Outcome, outcome

Floats = NDArray[np.float64]
LEAST = 5
"""Patients of each class from which a subgroup is measured; of fewer, no interval would rule anything out."""


@dataclass(frozen=True)
class Subgroup:
    """The difference of two arms in one part of the test images; limits hold together for all subgroups."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    patients: int
    reason: str = ""
    """Why nothing was measured."""


@dataclass(frozen=True)
class Subgroups:
    """All subgroups and the worst."""

    every: tuple[Subgroup, ...]
    worst: Subgroup | None
    """Its interval is that of the smallest true difference, whichever subgroup has it."""
    harm: Outcome
    """`HARM` where any subgroup is shown to lose, `NO_HARM` where a loss of the margin is ruled out in all."""


def subgroup_differences(
    first: Floats,
    second: Floats,
    labels: NDArray[np.bool_],
    patients: NDArray[np.str_],
    groups: NDArray[np.str_],
    margin: float,
    level: float = 0.95,
) -> Subgroups:
    """Return area(first) - area(second) in each subgroup, with simultaneous intervals over patients and trainings.

    Each of m intervals is made at the level ** (1/m), so that all of them hold at once (Šidák, JASA 1967;62:626; also
    where subgroups share trainings or patients). Whichever subgroup is worst, the smallest true difference then lies
    between the smallest lower and the smallest upper limit.

    Args:
        first: (s, n) scores of the arm with synthetic images.
        second: (s, n) scores of the arm it is held against; training i of both are paired.
        labels: (n,)
        patients: (n,) independent unit of each image.
        groups: (n,) subgroup of each image, such as `sex=F`; empty where it is not known.
        margin: largest loss that counts as no harm.
        level: joint coverage.

    Raises:
        ValueError: shapes do not fit.
    """
    if first.shape != second.shape or first.shape[1] != len(labels):
        raise ValueError(f"scores {first.shape} and {second.shape} do not fit {len(labels)} images")
    found: dict[str, tuple[float, float, float]] = {}
    names = np.unique(groups[groups != ""]).tolist()
    for name in names:
        rows = groups == name
        if min(len(np.unique(patients[rows & labels])), len(np.unique(patients[rows & ~labels]))) >= LEAST:
            parts = contributions(np.stack([first[:, rows], second[:, rows]]), labels[rows], patients[rows])
            error, freedom = parts.error(np.array([[1.0, -1.0]]))
            found[name] = float(parts.mean[0] - parts.mean[1]), float(error[0]), float(freedom[0])
    every = []
    for name in names:
        people = len(np.unique(patients[groups == name]))
        if name in found:
            value, error_, freedom_ = found[name]
            reach = float(student.ppf(0.5 + level ** (1 / len(found)) / 2, freedom_)) * error_
            every.append(Subgroup(name, value, max(-1.0, value - reach), min(1.0, value + reach), people))
        else:
            every.append(Subgroup(name, None, None, None, people, f"fewer than {LEAST} patients of a class"))
    return Subgroups(tuple(every), _worst(every), _harm(every, margin))


def _worst(every: list[Subgroup]) -> Subgroup | None:
    measured = [s for s in every if s.value is not None and s.low is not None and s.high is not None]
    if not measured:
        return None
    worst = min(measured, key=lambda s: s.value or 0.0)
    low, high = min(s.low or 0.0 for s in measured), min(s.high or 0.0 for s in measured)
    return Subgroup(worst.name, worst.value, low, high, worst.patients)


def _harm(every: list[Subgroup], margin: float) -> Outcome:
    outcomes = [outcome(s.low, s.high, margin) for s in every]
    if Outcome.HARM in outcomes:
        return Outcome.HARM
    if outcomes and all(o is Outcome.NO_HARM for o in outcomes):
        return Outcome.NO_HARM
    return Outcome.UNCLEAR
