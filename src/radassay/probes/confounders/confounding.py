"""Confounding: the label goes together with where, on whom and in what form an image was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.probe import Answer, Subject
from radassay.contracts.progress import Progress, Report, silent
from radassay.evidence.finding import Finding
from radassay.probes.confounders import pictures
from radassay.probes.confounders.attributes import ATTRIBUTES, pooled
from radassay.probes.confounders.children import paediatric_difference
from radassay.probes.confounders.matched import matched
from radassay.probes.confounders.tied import Tie, associated, counts, row, tie
from radassay.probes.confounders.tied import findings as about
from radassay.probes.tasks import FEWEST, Task, tasks
from radassay.stats.association import association

CHECK = "confounding"


@dataclass(frozen=True)
class Confounding:
    """Hold the label against source, place, age, sex, view and the form of the file; then match on what is known.

    Association is Cramér's V of kinds put into bands, those of few patients put together; whether something is known
    at all is held against the label too. Matching asks whether thumbnails still tell the label among images alike in
    age band, sex, view and place. Sources: Roberts et al., Nat Mach Intell 2021;3:199 (children as controls); Zech et
    al., PLoS Med 2018;15:e1002683 (sorting by hospital alone).
    """

    side: int = 32
    """Side of the thumbnails in pixels."""
    most: int = 4000
    """Images whose thumbnails are read; of more, a random part, whole patients."""

    name: ClassVar[str] = CHECK
    question: ClassVar[str] = "Does the label go together with where, on whom and in what form an image was made?"

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer:
        """Return associations with the label, what is left after matching, tables of both and one picture of each."""
        asked = [*tasks(subject), *together(subject)]
        rows, pixels = self._thumbnails(subject, rng)
        findings: list[Finding] = [] if together(subject) else list(_sources(subject))
        ties: list[tuple[Task, list[Tie]]] = []
        matches: list[dict[str, Any]] = []
        for number, task in enumerate(asked):
            report(Progress(number, len(asked), "questions", task.slice))
            table = subject.table.iloc[task.images]
            found = [tie(task, table, a) for a in ATTRIBUTES if a.name != "source" or task.slice == "all"]
            ties.append((task, found))
            for one in found:
                findings += about(task, one, CHECK)
            findings += paediatric_difference(task, table, CHECK)
            some, kept = _part(task, rows)
            n = len(task.images)
            part = f"a random part, {len(kept):,} of {n:,} images, was looked at" if len(kept) < n else ""
            told, listed = matched(some, subject.table.iloc[some.images], pixels[kept], CHECK, part)
            findings += told
            matches += listed
        tables = {
            "confounding": pd.DataFrame([row(task, one) for task, found in ties for one in found]),
            "confounding_kinds": pd.DataFrame([r for task, found in ties for one in found for r in counts(task, one)]),
            "confounding_matched": pd.DataFrame(matches),
        }
        drawn, captions = pictures.drawn(ties, subject.table["age_years"].to_numpy(dtype=float))
        return Answer(findings, {name: t for name, t in tables.items() if len(t)}, drawn, captions)

    def _thumbnails(self, subject: Subject, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the images looked at, ascending, and their pixels, (n, side * side)."""
        if len(subject) <= self.most:
            rows = np.arange(len(subject))
            return rows, subject.thumbnails(self.side).reshape(len(rows), -1)
        codes, unit = np.unique(subject.table["unit"].to_numpy(dtype=str), return_inverse=True)
        place = rng.permutation(len(codes))[unit]
        rows = np.sort(np.argsort(place, kind="stable")[: self.most])
        return rows, np.stack([subject.display(int(i), self.side).ravel() for i in rows])


def together(subject: Subject) -> list[Task]:
    """Return the task of all sets at once, where positives were named and at least two sets have labels."""
    table = subject.table
    labels = table["label"].to_numpy(dtype=str)
    rows = np.flatnonzero(labels != "")
    if not subject.positive or table["set"].iloc[rows].nunique() < 2:
        return []
    units, hit = table["unit"].to_numpy(dtype=str)[rows], np.isin(labels[rows], subject.positive)
    sides = [len(np.unique(units[side])) for side in (hit, ~hit)]
    words = " or ".join(subject.positive)
    refusal = f"too few patients: {sides[0]} with and {sides[1]} without {words!r}; {FEWEST} of each are needed"
    return [Task("all", words, rows, hit, units, refusal if min(sides) < FEWEST else "")]


def _sources(subject: Subject) -> Iterator[Finding]:
    """Yield how labels that several sets use go with the sets, where nobody said which labels are the positive ones."""
    table = subject.table[subject.table["label"] != ""]
    blank = Finding(check=CHECK, name="association_source", slice="all", reason="not known")
    if table["set"].nunique() < 2:
        yield from associated(blank, None, "only one set has labels")
        return
    shared = table[table.groupby("label")["set"].transform("nunique") > 1]
    labels, sets, units = (shared[column].to_numpy(dtype=str) for column in ("label", "set", "unit"))
    labels = pooled(labels, units, FEWEST)
    if min(len(np.unique(labels)), len(np.unique(sets))) < 2:
        reason = "fewer than two labels are in several sets, as the sets write them; name those that count as diseased"
        yield from associated(blank, None, reason)
        return
    caution = "" if len(shared) == len(table) else f"of {len(table):,} images those whose label several sets use"
    yield from associated(replace(blank, n_images=len(shared)), association(sets, labels, units), caution)


def _part(task: Task, rows: NDArray[np.intp]) -> tuple[Task, NDArray[np.intp]]:
    """Return the task on the images that were looked at, and where these are among them."""
    here = np.isin(task.images, rows)
    some = task._replace(images=task.images[here], positive=task.positive[here], units=task.units[here])
    return some, np.searchsorted(rows, some.images)
