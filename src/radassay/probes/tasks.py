"""Which images count as diseased: one question a set where positives are named, else one a label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.probe import Subject

FEWEST = 10
"""Independent units (patients) that each side of a task needs."""
MOST_LABELS = 6
"""Labels of one set that are asked about, the most frequent ones."""


class Task(NamedTuple):
    """Some images of one set, each with or without a label."""

    slice: str
    """`set=NAME`, or `set=NAME, label=LABEL` where no positives were named."""
    label: str
    """The label, or the positives joined by ` or `."""
    images: NDArray[np.integer[Any]]
    """Images of the subject, ascending; those without any label are left out."""
    positive: NDArray[np.bool_]
    """Which of them have the label."""
    units: NDArray[np.str_]
    """Independent unit of each: patient, or image where no patient is known."""
    refusal: str = ""
    """Why nothing can be said of this task; empty where something can."""


def tasks(subject: Subject, fewest: int = FEWEST) -> list[Task]:
    """Return the tasks of all sets, in order; a set without one has a task with the reason."""
    found: list[Task] = []
    first = 0
    for images in subject.sets:
        rows = np.arange(first, first + len(images))
        first += len(images)
        labels = images.table["label"].to_numpy(dtype=str)
        rows, labels = rows[labels != ""], labels[labels != ""]
        units = subject.table["unit"].to_numpy(dtype=str)[rows]
        found += _of_set(images.name, rows, labels, units, subject.positive, fewest)
    return found


def _of_set(
    name: str,
    rows: NDArray[np.integer[Any]],
    labels: NDArray[np.str_],
    units: NDArray[np.str_],
    positive: tuple[str, ...],
    fewest: int,
) -> Iterator[Task]:
    if positive:
        hit = np.isin(labels, positive)
        words = " or ".join(positive)
        yield Task(f"set={name}", words, rows, hit, units, _refusal(hit, units, words, fewest))
        return
    kinds, counts = np.unique(labels, return_counts=True)
    if len(kinds) < 2:
        told = f"all images have the label {kinds[0]!r}" if len(kinds) else "no image has a label"
        yield Task(f"set={name}", "", rows, np.zeros(len(rows), dtype=bool), units, told)
        return
    frequent = [str(kinds[k]) for k in np.lexsort((kinds, -counts))[:MOST_LABELS]]
    # Of two labels, the second says nothing that the first does not.
    asked = frequent[1:] if len(kinds) == 2 else frequent
    usable = [label for label in asked if not _refusal(labels == label, units, label, fewest)]
    for label in usable:
        yield Task(f"set={name}, label={label}", label, rows, labels == label, units)
    if not usable:
        told = _refusal(labels == asked[0], units, asked[0], fewest)
        yield Task(f"set={name}", asked[0], rows, labels == asked[0], units, told)


def _refusal(hit: NDArray[np.bool_], units: NDArray[np.str_], label: str, fewest: int) -> str:
    with_it, without = (len(np.unique(units[side])) for side in (hit, ~hit))
    if min(with_it, without) >= fewest:
        return ""
    return f"too few patients: {with_it} with and {without} without {label!r}; {fewest} of each are needed"
