"""One attribute held against one label: how strongly they go together, and whether not knowing it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.probes.confounders.attributes import Attribute, Values, pooled
from radassay.probes.tasks import FEWEST, Task
from radassay.stats.association import Association, association, detectable_association
from radassay.stats.auc import Interval, area
from radassay.stats.discriminant import patient_folds

BOUND = 0.2
"""Cramér's V that the rules allow; the limits of detection are made from it."""


class Tie(NamedTuple):
    """What ties an attribute to the label of a task, or the reason why that is not known."""

    attribute: Attribute
    values: Values
    """(n,) kind of each image of the task, rare ones put together, empty where not known."""
    found: Association | None
    reason: str
    area: Interval | None
    """Area under the ROC curve of the label from this attribute alone, scored on other patients."""
    unknown: Association | None
    """How not knowing the attribute goes with the label."""
    unknown_reason: str

    @property
    def known(self) -> NDArray[np.bool_]:
        """Return of which images the attribute is known, (n,)."""
        return np.asarray(self.values != "")


def tie(task: Task, table: pd.DataFrame, attribute: Attribute) -> Tie:
    """Return how an attribute goes with the label of a task; `table` holds the images of the task."""
    values = attribute.of(table)
    known = values != ""
    values = values.astype(object)
    values[known] = pooled(values[known].astype(str), task.units[known], FEWEST)
    values = values.astype(str)
    reason = task.refusal or _refusal(task, known, values, attribute)
    found = chance = None
    if not reason:
        labels = task.positive[known].astype(str)
        found = association(values[known], labels, task.units[known])
        chance = _area(values[known], task.positive[known], task.units[known])
        if not known.all():
            reason = f"known of {known.sum():,} of {len(known):,} images"
    unknown_reason = task.refusal or _unknown_refusal(task, known, attribute)
    unknown = None if unknown_reason else association(known.astype(str), task.positive.astype(str), task.units)
    return Tie(attribute, values, found, reason, chance, unknown, unknown_reason)


def counts(task: Task, found: Tie) -> list[dict[str, Any]]:
    """Return how many images with and without the label have each kind of the attribute."""
    rows = []
    for kind in np.unique(found.values):
        here = found.values == kind
        n = {"with_label": int((here & task.positive).sum()), "without_label": int((here & ~task.positive).sum())}
        rows.append({"slice": task.slice, "attribute": found.attribute.name, "kind": str(kind) or "unknown", **n})
    return rows


def row(task: Task, found: Tie) -> dict[str, Any]:
    """Return the cell of the confounding table: one attribute against one label."""
    sides = {"with_label": task.positive, "without_label": ~task.positive}
    return {
        "slice": task.slice,
        "label": task.label,
        "attribute": found.attribute.name,
        "title": found.attribute.title,
        **{f"known_{name}": int((found.known & side).sum()) for name, side in sides.items()},
        **{name: int(side.sum()) for name, side in sides.items()},
        "kinds": len(np.unique(found.values[found.known])),
        **_numbers("v", found.found),
        "detectable": detectable(found.found),
        "independent_images": found.found.effective if found.found else None,
        **_numbers("auc", found.area),
        **_numbers("unknown_v", found.unknown),
        "reason": found.reason,
    }


def findings(task: Task, found: Tie, check: str) -> Iterator[Finding]:
    """Yield the association of an attribute with the label, and that of not knowing it, each with its limit."""
    name, n = found.attribute.name, [int((found.known & side).sum()) for side in (task.positive, ~task.positive)]
    details: dict[str, Any] = {"label": task.label, "known_with_label": n[0], "known_without_label": n[1]}
    if found.area is not None:
        details["auc"] = [round(number, 4) for number in (found.area.value, found.area.low, found.area.high)]
    blank = Finding(check=check, name=f"association_{name}", slice=task.slice, reason="not known", details=details)
    yield from associated(replace(blank, n_images=sum(n)), found.found, found.reason)
    if found.attribute.may_lack:
        lack = replace(blank, name=f"unknown_{name}", n_images=len(task.images), details={"label": task.label})
        yield from associated(lack, found.unknown, found.unknown_reason)


def associated(blank: Finding, found: Association | None, reason: str) -> Iterator[Finding]:
    """Yield a finding with this association, or with the reason why there is none, and its limit of detection."""
    finding = replace(blank, reason=reason or blank.reason, unit="Cramér's V", direction="lower is better")
    if found is None:
        yield finding
        return
    units = round(found.effective)
    limits: dict[str, Any] = {"value": found.value, "low": found.low, "high": found.high, "method": found.method}
    yield replace(finding, **limits, reason=reason, n_patients=units)
    told = f"seen above {BOUND} in 95 of 100 repetitions by the noncentral chi-square of {units} independent images"
    limit: dict[str, Any] = {"role": "limit", "control": "true effect", "value": detectable(found), "method": told}
    yield replace(finding, **limit, reason="", n_patients=units)


def detectable(found: Association | None) -> float | None:
    """Return the smallest V that would surely have been seen to lie above the bound."""
    return None if found is None else detectable_association(found.effective, found.shape, BOUND)


def _numbers(name: str, found: Association | Interval | None) -> dict[str, float | None]:
    value, low, high = (found.value, found.low, found.high) if found else (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _refusal(task: Task, known: NDArray[np.bool_], values: Values, attribute: Attribute) -> str:
    told = f"{attribute.title.lower()} known of {known.sum():,} of {len(known):,} images"
    if not known.any():
        return told
    sides = [len(np.unique(task.units[known & side])) for side in (task.positive, ~task.positive)]
    if min(sides) < FEWEST:
        return f"{told}: {sides[0]} patients with and {sides[1]} without the label; {FEWEST} of each are needed"
    kinds = np.unique(values[known])
    if len(kinds) < 2:
        return f"alike in all {known.sum():,} images of which it is known: {kinds[0]}"
    return ""


def _unknown_refusal(task: Task, known: NDArray[np.bool_], attribute: Attribute) -> str:
    if known.all() or not known.any():
        return f"{attribute.title.lower()} known of {'every image' if known.all() else 'no image'}"
    sides = [len(np.unique(task.units[rows])) for rows in (known, ~known)]
    if min(sides) < FEWEST:
        return f"{attribute.title.lower()} known of {sides[0]} and unknown of {sides[1]} patients; {FEWEST} of each"
    return ""


def _area(values: Values, positive: NDArray[np.bool_], units: NDArray[np.str_]) -> Interval:
    """Return the area of each kind's share of positives among the patients of the other folds, less all their share."""
    kinds, kind = np.unique(values, return_inverse=True)
    fold = patient_folds(positive, units)
    scores = np.empty(len(values))
    for k in np.unique(fold):
        train = fold != k
        prevalence = positive[train].mean()
        hits = np.bincount(kind[train], positive[train], minlength=len(kinds))
        seen = np.bincount(kind[train], minlength=len(kinds))
        scores[~train] = ((hits + prevalence) / (seen + 1) - prevalence)[kind[~train]]
    return area(np.round(scores, 9), positive, units)
