"""Telling the label among images of the same age band, sex, view and place: what is left then is not due to these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.probes.confounders.attributes import BY_NAME, Values
from radassay.probes.tasks import FEWEST, Task
from radassay.stats.adjusted import Adjustment, adjustment, matchable
from radassay.stats.detectable import detectable_difference
from radassay.stats.discriminant import out_of_fold, patient_folds
from radassay.stats.resample import Interval

GROUPS = {"": ("age", "sex", "view"), "_place": ("source", "site")}
"""Confounders matched on together, by the ending of the names of their measures: the person, and the place."""
HALF = 0.5
"""Share of either class of which a confounder must be known to be matched on."""
BOUND = 0.05
"""Change of the area that the rule allows; the limit of detection is made from it."""


class Matched(NamedTuple):
    """The label told from thumbnails among all images and among matched ones, or the reason why not."""

    on: tuple[str, ...]
    """Confounders matched on."""
    found: Adjustment | None
    images: int
    """Images that had one of the other class to be held against."""
    units: int
    strata: int
    reason: str
    """Why nothing was found, or what was left out."""


def known_enough(
    table: pd.DataFrame, positive: NDArray[np.bool_], names: Sequence[str]
) -> tuple[dict[str, Values], list[str]]:
    """Return the confounders that can be matched on, (n,) each, and in words what is known of the others."""
    usable, others = {}, []
    for name in names:
        values = BY_NAME[name].of(table)
        known = values != ""
        if known.any() and len(np.unique(values[known])) < 2:
            continue  # alike in all of them
        if min(known[positive].mean(), known[~positive].mean()) >= HALF:
            usable[name] = values
        else:
            others.append(f"{BY_NAME[name].title.lower()} known of {known.sum():,} of {len(known):,} images")
    return usable, others


def match(
    thumbnails: NDArray[np.floating[Any]],
    positive: NDArray[np.bool_],
    units: NDArray[np.str_],
    confounders: Mapping[str, Values],
    fewest: int = FEWEST,
    folds: int = 5,
) -> Matched:
    """Return how well the label is told from thumbnails among all images and among those alike in these confounders.

    Scores are those of a ridge-regularised linear discriminant of the pixels on patients that it was not trained on.
    Where they owe something to what differs between strata they are worth less within them.

    Args:
        thumbnails: (n, d) pixels.
        positive: (n,) whether the image has the label.
        units: (n,) patient of each image.
        confounders: (n,) kind of each image by confounder, empty where not known.
        fewest: patients that each class needs.
        folds: parts of the patients.
    """
    on = tuple(confounders)
    known = np.all([values != "" for values in confounders.values()], axis=0)
    strata = np.array([" | ".join(kinds) for kinds in zip(*confounders.values(), strict=True)], dtype=str)
    keep = known.copy()
    keep[known] = matchable(positive[known], strata[known])
    sides = [len(np.unique(units[keep & side])) for side in (positive, ~positive)]
    images, patients, kinds = int(keep.sum()), len(np.unique(units[keep])), len(np.unique(strata[keep]))
    if min(sides) < fewest:
        told = f"too few matched patients: {sides[0]} with and {sides[1]} without the label; {fewest} of each needed"
        return Matched(on, None, images, patients, kinds, told)
    y, unit = positive[keep], units[keep]
    scores = out_of_fold(thumbnails[keep], y[:, None].astype(np.float64), patient_folds(y, unit, folds))[:, 0]
    dropped = int((~keep).sum())
    reason = f"{dropped:,} images without a match or with something unknown were left out" if dropped else ""
    return Matched(on, adjustment(np.round(scores, 9), y, strata[keep], unit), images, patients, kinds, reason)


def matched(
    task: Task, table: pd.DataFrame, thumbnails: NDArray[np.floating[Any]], check: str, caution: str = ""
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Return areas before and after matching on what is known of person and place, and rows of these and each alone.

    Args:
        task: the images asked about.
        table: their rows.
        thumbnails: (n, d) their pixels.
        check: name of the probe.
        caution: what every finding must say of these images.
    """
    findings: list[Finding] = []
    rows: list[dict[str, Any]] = []
    for ending, names in GROUPS.items():
        usable, others = known_enough(table, task.positive, names) if not task.refusal else ({}, [task.refusal])
        if not usable:
            findings += _findings(task, None, "; ".join(others) or "alike in all images", ending, check)
            continue
        choices = [usable, *({name: usable[name]} for name in usable if len(usable) > 1)]
        found = [match(thumbnails, task.positive, task.units, choice) for choice in choices]
        told = "; ".join(filter(None, (*others, caution)))
        findings += _findings(task, found[0], told, ending, check)
        rows += [_row(task, one) for one in found]
    return findings, rows


def _findings(task: Task, one: Matched | None, reason: str, ending: str, check: str) -> Iterator[Finding]:
    blank = Finding(
        check=check,
        name=f"auc_thumbnail{ending}",
        slice=task.slice,
        reason=reason or "not known",
        unit="AUC",
        direction="lower is better",
        details={"chance": 0.5, "label": task.label},
    )
    if one is None or one.found is None:
        why = "; ".join(filter(None, (one.reason if one else "", reason)))
        measures = ("auc_thumbnail", "auc_matched", "change_matched")
        yield from (replace(blank, name=f"{measure}{ending}", reason=why) for measure in measures)
        return
    words = [BY_NAME[name].title.lower() for name in one.on]
    details = {"chance": 0.5, "label": task.label, "matched_on": words, "strata": one.strata}
    caution = "; ".join(filter(None, (one.reason, reason)))
    blank = replace(blank, n_images=one.images, n_patients=one.units, details=details)
    yield replace(blank, reason=caution, **_limits(one.found.crude))
    yield replace(blank, name=f"auc_matched{ending}", reason=caution, **_limits(one.found.adjusted))
    change = replace(blank, name=f"change_matched{ending}", direction="near zero is better")
    yield replace(change, reason=caution, **_limits(one.found.change))
    _, limits = one.found.change
    least = min(1.0, detectable_difference((limits.high - limits.low) / 2, BOUND))
    told = f"seen beyond {BOUND} in 95 of 100 repetitions by normal theory"
    yield replace(change, role="limit", control="true effect", value=least, reason="", method=told)


def _limits(found: tuple[float, Interval]) -> dict[str, Any]:
    value, limits = found
    low, high = min(limits.low, value), max(limits.high, value)
    return {"value": value, "low": low, "high": high, "method": f"{limits.method}; models as fitted"}


def _row(task: Task, one: Matched) -> dict[str, Any]:
    numbers: dict[str, float | None] = {}
    for name in ("crude", "adjusted", "change"):
        value, limits = getattr(one.found, name) if one.found else (None, None)
        numbers |= {name: value, f"{name}_low": limits and limits.low, f"{name}_high": limits and limits.high}
    on = " + ".join(one.on)
    return {
        "slice": task.slice,
        "matched_on": on,
        "images": one.images,
        "patients": one.units,
        "strata": one.strata,
        **numbers,
        "reason": one.reason,
    }
