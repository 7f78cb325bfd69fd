"""What all probes of shortcuts share: questions of tasks, pictures read once, and findings with their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.grey import Grey
from radassay.contracts.probe import Subject
from radassay.evidence.finding import Finding
from radassay.probes.tasks import Task
from radassay.stats.crossvalidated import Estimate, Question
from radassay.stats.detectable import detectable_area, detectable_difference
from radassay.stats.proportion import share

SIDE = 64
"""Side of the pictures read, in pixels."""
MOST = 4000
"""Images looked at; of more, a random part, whole patients."""
FOLDS, REPEATS, PERMUTATIONS = 5, 5, 60
FOLDING = f"{REPEATS} x {FOLDS}-fold cross-validation over patients"


@dataclass(frozen=True)
class Asked:
    """A task with its pictures, its question, and where its findings go."""

    task: Task
    pixels: Grey
    """(n, SIDE, SIDE) pictures of the task's images."""
    question: Question
    teller: Teller


@dataclass(frozen=True)
class Teller:
    """Turns estimates about one part of the images into findings and limits of detection."""

    check: str
    slice: str
    n_patients: int
    n_images: int
    caution: str = ""
    """Put before each finding's own reason."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """By measure, the bound of its rule in the built-in checklist."""

    def area(self, name: str, estimate: Estimate, reason: str = "", **details: Any) -> list[Finding]:
        """Return the finding of an area, and its limit of detection where a rule judges it."""
        found = estimate.area()
        note = {"chance": 0.5, "null": [round(float(v), 3) for v in self._range(estimate)], **details}
        blank = self._blank(name)
        measured = replace(
            blank,
            value=found.value,
            low=found.low,
            high=found.high,
            method=f"{found.method}; {FOLDING}",
            reason=self._reason(reason),
            details={k: v for k, v in note.items() if v != []},
        )
        if name not in self.bounds:
            return [measured]
        limit = detectable_area(
            estimate.positives, estimate.negatives, self.bounds[name], training=estimate.logit_extra
        )
        how = f"Hanley & McNeil 1982 and the variance of training, against the bound {self.bounds[name]}"
        return [measured, replace(blank, value=limit, role="limit", control="true effect", method=how)]

    def difference(self, name: str, estimate: Estimate, reason: str = "", **details: Any) -> list[Finding]:
        """Return the finding of a difference of areas, and its limit of detection where a rule judges it."""
        found = estimate.difference()
        blank = self._blank(name)
        limits: dict[str, Any] = {"low": min(found.low, found.value), "high": max(found.high, found.value)}
        how = f"{found.method}; {FOLDING}"
        measured = replace(blank, value=found.value, **limits, method=how, reason=self._reason(reason), details=details)
        if name not in self.bounds:
            return [measured]
        # near the ends of the scale the interval is cut; the wider side is the whole of it
        half = max(found.value - found.low, found.high - found.value)
        limit = detectable_difference(half, self.bounds[name])
        how = f"normal theory, against the bound {self.bounds[name]}"
        return [measured, replace(blank, value=limit, role="limit", control="true effect", method=how)]

    def share(self, name: str, hit: NDArray[np.bool_], units: NDArray[np.str_]) -> list[Finding]:
        """Return the finding of a share of images."""
        found = share(hit, units)
        limits: dict[str, Any] = {"value": found.value, "low": found.low, "high": found.high, "method": found.method}
        return [replace(self._blank(name), **limits, unit="share of images", reason=self._reason(""))]

    def refused(self, name: str, reason: str) -> list[Finding]:
        """Return the finding that says why nothing was measured."""
        return [replace(self._blank(name), reason=reason)]

    def about(self, rows: NDArray[np.bool_], units: NDArray[np.str_]) -> Teller:
        """Return a teller about some of the images."""
        return replace(self, n_patients=len(np.unique(units[rows])), n_images=int(rows.sum()))

    def _reason(self, reason: str) -> str:
        return "; ".join(part for part in (self.caution, reason) if part)

    def _blank(self, name: str) -> Finding:
        return Finding(
            check=self.check,
            name=name,
            slice=self.slice,
            unit="AUC",
            direction="lower is better",
            n_patients=self.n_patients,
            n_images=self.n_images,
            reason="nothing was measured",
        )

    @staticmethod
    def _range(estimate: Estimate) -> NDArray[np.float64]:
        """Return the middle 95 % of the values with shuffled labels."""
        return np.quantile(estimate.null, [0.025, 0.975]) if len(estimate.null) else np.zeros(0)


def asked(
    check: str, task: Task, pixels: Grey, rng: np.random.Generator, bounds: Mapping[str, float], caution: str = ""
) -> Asked:
    """Return a task made ready: its pictures, (n, SIDE, SIDE), shuffled labels and folds."""
    question = Question.ask(task.positive, task.units, rng, folds=FOLDS, repeats=REPEATS, permutations=PERMUTATIONS)
    teller = Teller(check, task.slice, len(np.unique(task.units)), len(task.images), caution, bounds)
    return Asked(task, pixels, question, teller)


def refusals(check: str, task: Task, names: Mapping[str, Any] | tuple[str, ...], reason: str = "") -> list[Finding]:
    """Return one finding a measure that says why the task cannot be looked at."""
    teller = Teller(check, task.slice, len(np.unique(task.units)), len(task.images))
    return [f for name in names for f in teller.refused(name, reason or task.refusal)]


def unknown_patients(subject: Subject, task: Task) -> str:
    """Return a caution where patients are not known, or nothing."""
    unknown = int((subject.table["patient"].to_numpy(dtype=str)[task.images] == "").sum())
    if not unknown:
        return ""
    which = "no patient is known" if unknown == len(task.images) else f"the patient of {unknown} images is not known"
    return f"{which}; images without one count as patients of their own, and intervals may be too narrow"


def part(subject: Subject, rng: np.random.Generator, most: int = MOST) -> tuple[Subject, str]:
    """Return the subject, or above `most` images a random part of it of whole patients, and a word about that."""
    if len(subject) <= most:
        return subject, ""
    codes, unit = np.unique(subject.table["unit"].to_numpy(dtype=str), return_inverse=True)
    order = rng.permutation(len(codes))[unit]
    chosen = np.zeros(len(subject), dtype=bool)
    chosen[np.argsort(order, kind="stable")[:most]] = True
    sets, first, new = [], 0, np.cumsum(chosen) - 1
    for images in subject.sets:
        sets.append(images.take(np.flatnonzero(chosen[first : first + len(images)])))
        first += len(images)
    masks = {k: {int(new[i]): p for i, p in of.items() if chosen[i]} for k, of in subject.masks.items()}
    smaller = replace(subject, sets=tuple(sets), masks=masks, cache={})
    return smaller, f"a random part, {most} of {len(subject)} images"
