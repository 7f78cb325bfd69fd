"""Which cases are read: drawn by class, equally many of either arm, patients apart from those of the training."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radassay.errors import InputError, RefusedError
from radassay.images.imageset import ImageSet
from radassay.reading.key import REAL, SYNTHETIC
from radassay.reading.modality import of_one_modality
from radassay.reading.pipeline import Shown, sides
from radassay.reading.plan import ReadingPlan
from radassay.reading.stacks import Cut, Rows

HELD_OUT = {"test": ("test",), "validation": ("validation",), "held-out": ("validation", "test")}
WITH_TRAINING = ("realness", "diagnosis")


@dataclass(frozen=True)
class Slot:
    """One thing to judge, before it has an id."""

    question: str
    role: str
    label: str
    shown: tuple[Shown, ...]


def readable(real: ImageSet, synthetic: ImageSet, plan: ReadingPlan) -> tuple[dict[str, ImageSet], str]:
    """Return the images of either arm that may be read, and their modality; empty where none is known.

    Raises:
        InputError: there are none, or there are several modalities.
        RefusedError: real images are not acquired from patients.
    """
    return of_one_modality({REAL: _held_out(real, plan), SYNTHETIC: synthetic}, plan.modality)


def _held_out(real: ImageSet, plan: ReadingPlan) -> ImageSet:
    kept = real if plan.split == "any" else real.where(split=HELD_OUT[plan.split])
    if len(kept) == 0:
        raise InputError(
            "The real set has no images of the split",
            got=f"{plan.split}; there are {', '.join(sorted(set(real.table['split']))) or 'no splits'}",
            possible="Split it first, or give `any` if the generator has seen none of these patients",
        )
    made = kept.table["origin"].isin(["generated", "transformed"])
    if made.any():
        raise RefusedError("Images of the real arm are not acquired from patients", got=f"{int(made.sum())} images")
    return kept


def common_labels(real: ImageSet, synthetic: ImageSet, plan: ReadingPlan) -> tuple[str, ...]:
    """Return the classes that cases are drawn from.

    Raises:
        InputError: a class is missing in an arm, or no class is common.
    """
    there = [set(images.table["label"]) for images in (real, synthetic)]
    labels = plan.labels or tuple(sorted(there[0] & there[1]))
    missing = [label for label in labels if label not in there[0] & there[1]]
    if missing or not labels or (plan.positive and plan.positive not in labels):
        raise InputError(
            "Both arms need images of every class that is read",
            got=", ".join(missing) or plan.positive or "no class in common",
            possible=f"Real: {', '.join(sorted(there[0]))}; synthetic: {', '.join(sorted(there[1]))}",
        )
    if "diagnosis" in plan.questions and not 2 <= len(labels) <= 9:
        raise InputError("A diagnosis is among two to nine classes", got=", ".join(labels))
    return labels


def size_of(sets: dict[str, ImageSet], plan: ReadingPlan) -> int:
    """Return the side in pixels of what is shown, so that no image of either arm is enlarged."""
    if plan.size:
        return plan.size
    smallest = min(int(sides(images).min()) for images in sets.values())
    return max(16, round(min(1024, smallest) * (1 - 2 * plan.trim)))


def drawn(
    sets: dict[str, ImageSet], labels: tuple[str, ...], plan: ReadingPlan, cut: Cut, rng: np.random.Generator
) -> list[Slot]:
    """Return all slots but repeats: training, cases and catch trials of every question.

    Images of different patients come first; patients of training images are in nothing else.

    Raises:
        InputError: too few images of a class.
        RefusedError: an image lies in both arms.
    """
    shared = set(sets[REAL].table["image"]) & set(sets[SYNTHETIC].table["image"])
    if shared:
        raise RefusedError("Synthetic images are copies of real ones that would be read", got=f"{len(shared)} images")
    there = {arm: cut.rows(images) for arm, images in sets.items()}
    pools = {(arm, label): _Pool(sets[arm], there[arm], label, plan, rng) for arm in sets for label in labels}
    slots: list[Slot] = []

    def one(arm: str, label: str, *, training: bool = False, broken: int = 0) -> Shown:
        return Shown(arm, pools[arm, label].take(training), broken)

    for question in plan.ordered:
        if question in WITH_TRAINING:
            for n in range(plan.training):
                arm, label = (REAL, SYNTHETIC)[n % 2], labels[(n // 2) % len(labels)]
                slots.append(Slot(question, "training", label, (one(arm, label, training=True),)))
    for question in plan.ordered:
        for label in labels:
            for _ in range(plan.cases):
                if question == "choice":
                    rivals = [one(SYNTHETIC, label) for _ in range(plan.alternatives - 1)]
                    slots.append(Slot(question, "case", label, (one(REAL, label), *rivals)))
                else:
                    slots += [Slot(question, "case", label, (one(arm, label),)) for arm in (REAL, SYNTHETIC)]
    if "realness" in plan.questions:
        for n in range(plan.catch):
            label, seed = labels[n % len(labels)], int(rng.integers(1, 2**31))
            slots.append(Slot("realness", "catch", label, (one(SYNTHETIC, label, broken=seed),)))
    return slots


class _Pool:
    """Images of one arm and class in the order in which they are drawn."""

    def __init__(
        self, images: ImageSet, there: list[Rows], label: str, plan: ReadingPlan, rng: np.random.Generator
    ) -> None:
        firsts = np.array([rows[0] for rows in there], dtype=np.intp)
        names = images.table["image"].to_numpy(dtype=str)
        fits = images.table["label"].to_numpy()[firsts] == label
        fits &= ~pd.Series([tuple(names[list(rows)]) for rows in there], dtype=object).duplicated().to_numpy()
        if plan.size:
            fits &= sides(images)[firsts] >= plan.size
        order = rng.permutation(np.flatnonzero(fits))
        self._units = images.units
        seen: Counter[str] = Counter()
        turn = []
        for row in firsts[order]:
            turn.append(seen[str(self._units[row])])
            seen[str(self._units[row])] += 1
        self._there: list[Rows] = [there[int(n)] for n in order[np.argsort(turn, kind="stable")]]
        self._name, self._all = f"{images.name}, {label}", len(order)
        self._trained: set[str] = set()

    def take(self, training: bool) -> Rows:
        while self._there:
            rows = self._there.pop(0)
            unit = str(self._units[rows[0]])
            if training:
                self._trained.add(unit)
            elif unit in self._trained:
                continue
            return rows
        raise InputError(
            f"There are too few images of {self._name}",
            got=f"{self._all}",
            possible="Ask for fewer cases, questions, alternatives or catch trials, fewer slices or a smaller size, or "
            "add images",
        )
