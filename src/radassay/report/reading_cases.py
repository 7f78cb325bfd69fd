"""Every case and what every reader said of it, from the table of answers: sorted by difficulty, the unanimous named."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RIGHT, WRONG, CANNOT, NONE = "r", "w", "c", "."
"""Letters of a matrix: right, wrong, could not judge, no answer."""
MOST = 20
"""Unanimous cases of a kind that are named on the page; all are in the table of answers."""
ID = 8
"""Letters of an opaque id that are shown."""


@dataclass(frozen=True)
class Matrix:
    """Readers by the cases of one arm."""

    arm: str
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    """Opaque ids, those first that most readers got right."""
    rows: tuple[str, ...]
    """A letter a case for each reader."""
    all_right: int
    all_wrong: int


@dataclass(frozen=True)
class Unanimous:
    """One case that every reader got right, or wrong."""

    case: str
    arm: str
    label: str
    real: int
    """Readers who said real."""
    synthetic: int
    score: str
    """Median of the six levels, 1 surely real to 6 surely synthetic."""


@dataclass(frozen=True)
class Cases:
    """All cases of question A."""

    matrices: tuple[Matrix, ...]
    right: tuple[Unanimous, ...]
    wrong: tuple[Unanimous, ...]
    n_right: int
    n_wrong: int


def cases(answers: Iterable[Mapping[str, Any]], readers: Sequence[str]) -> Cases | None:
    """Return the cases of `realness`, or None where there is none.

    Args:
        answers: rows of the table `answers`.
        readers: codes of those who count.
    """
    known = set(readers)
    by_case: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in answers:
        if row["block"] == "realness" and row["role"] == "case" and row["reader"] in known:
            by_case.setdefault(str(row["item"]), {})[str(row["reader"])] = row
    if not by_case:
        return None
    letters = {case: "".join(_letter(said.get(reader)) for reader in readers) for case, said in by_case.items()}
    arms = {case: str(next(iter(said.values()))["arm"]) for case, said in by_case.items()}
    ordered = sorted(by_case, key=lambda case: (*_difficulty(letters[case]), case))
    matrices = []
    for arm in ("real", "synthetic"):
        here = [case for case in ordered if arms[case] == arm]
        rows = tuple("".join(letters[case][n] for case in here) for n in range(len(readers)))
        counts = [sum(set(letters[case]) == {letter} for case in here) for letter in (RIGHT, WRONG)]
        if here:
            matrices.append(Matrix(arm, tuple(readers), tuple(here), rows, *counts))
    right, wrong = ([c for c in ordered if set(letters[c]) == {letter}] for letter in (RIGHT, WRONG))
    named = [tuple(_named(c, by_case[c], arms[c]) for c in some[:MOST]) for some in (right, wrong)]
    return Cases(tuple(matrices), named[0], named[1], len(right), len(wrong))


def _letter(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return NONE
    if row["cannot_judge"] or row["right"] != row["right"]:
        return CANNOT
    return RIGHT if row["right"] == 1 else WRONG


def _difficulty(letters: str) -> tuple[int, float]:
    """Return where a case stands: right by all, then by the share wrong of those who judged, then wrong by all."""
    judged = letters.count(RIGHT) + letters.count(WRONG)
    share = letters.count(WRONG) / judged if judged else 0.5
    whole = judged == len(letters)
    return (0 if whole and share == 0 else 2 if whole and share == 1 else 1), share


def _named(case: str, said: Mapping[str, Mapping[str, Any]], arm: str) -> Unanimous:
    rows = [*said.values()]
    right = sum(row["right"] == 1 for row in rows)
    real = right if arm == "real" else len(rows) - right
    score = statistics.median(float(row["score"]) for row in rows)
    return Unanimous(case[:ID], arm, str(rows[0]["label"]), real, len(rows) - real, f"{score:g}")
