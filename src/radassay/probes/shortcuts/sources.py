"""Where images come from: the set, where several are looked at, or within a set the hospital or place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.probe import Subject
from radassay.probes.confounders.confounding import together
from radassay.probes.tasks import FEWEST, Task, tasks

MOST_SOURCES = 8
"""Sources compared, the largest ones."""


class Scope(NamedTuple):
    """A task on the images whose source is known and large enough."""

    task: Task
    """The task, without the images of other sources; with the reason where sources cannot be compared."""
    source: NDArray[np.str_]
    """(n,) source of each image."""
    left_out: int
    """Images of the task that are of a small or unknown source."""


def scopes(subject: Subject) -> list[Scope]:
    """Return each task with its sources: hospitals within a set, then sets among each other."""
    within = [_scope(task, subject.table["site"].to_numpy(dtype=str)[task.images], "site") for task in tasks(subject)]
    sets = subject.table["set"].to_numpy(dtype=str)
    return within + [_scope(task, sets[task.images], "set") for task in together(subject)]


def _scope(task: Task, source: NDArray[np.str_], what: str) -> Scope:
    if task.refusal:
        return Scope(task, source, 0)
    kinds = [str(kind) for kind in np.unique(source[source != ""])]
    patients = {kind: len(np.unique(task.units[source == kind])) for kind in kinds}
    large = sorted((k for k in kinds if patients[k] >= FEWEST), key=lambda k: (-patients[k], k))[:MOST_SOURCES]
    keep = np.isin(source, large)
    some = Task(task.slice, task.label, task.images[keep], task.positive[keep], task.units[keep])
    if len(large) < 2:
        several = f"{len(large)} of {len(kinds)} sites have" if kinds else "no site is known, so none has"
        refusal = f"fewer than two sources to compare: {several} at least {FEWEST} patients with a label"
        return Scope(task._replace(refusal=refusal), source, 0)
    sides = [len(np.unique(some.units[side])) for side in (some.positive, ~some.positive)]
    if min(sides) < FEWEST:
        name = "sites" if what == "site" else "sets"
        refusal = f"the {len(large)} {name} of at least {FEWEST} patients hold {sides[0]} patients with and {sides[1]}"
        refusal += f" without {task.label!r}; {FEWEST} of each are needed"
        return Scope(task._replace(refusal=refusal), source, 0)
    return Scope(some, source[keep], int((~keep).sum()))
