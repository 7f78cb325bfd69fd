"""Children in one class and adults in the other: how far their shares differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from radassay.evidence.finding import Finding
from radassay.probes.tasks import FEWEST, Task
from radassay.stats.detectable import detectable_difference
from radassay.stats.proportion import share_difference

BOUND = 0.1
"""Difference in the share of children that the rule allows; the limit of detection is made from it."""
ADULT = 18.0
"""Years."""


def paediatric_difference(task: Task, table: pd.DataFrame, check: str) -> Iterator[Finding]:
    """Yield the share of children with the label minus that without it, and the smallest that would fail.

    Args:
        task: the images asked about.
        table: their rows.
        check: name of the probe.
    """
    years = table["age_years"].to_numpy(dtype=float)
    known = np.isfinite(years)
    positive, units = task.positive[known], task.units[known]
    told = f"age known of {known.sum():,} of {len(known):,} images"
    finding = Finding(
        check=check,
        name="paediatric_difference",
        slice=task.slice,
        reason=task.refusal or told,
        n_images=int(known.sum()),
        unit="share of images",
        direction="near zero is better",
    )
    sides = [len(np.unique(units[side])) for side in (positive, ~positive)]
    if task.refusal or min(sides) < FEWEST:
        few = f"{told}: {sides[0]} patients with and {sides[1]} without the label; {FEWEST} of each are needed"
        yield finding if task.refusal or not known.any() else replace(finding, reason=few)
        return
    child = years[known] < ADULT
    found = share_difference(child, positive, units)
    counts = {"children": [int((child & side).sum()) for side in (positive, ~positive)], "label": task.label}
    yield replace(
        finding,
        value=found.value,
        low=found.low,
        high=found.high,
        method=found.method,
        n_patients=len(np.unique(units)),
        reason="" if known.all() else told,
        details=counts,
    )
    least = min(1.0, detectable_difference((found.high - found.low) / 2, BOUND))
    yield replace(
        finding,
        role="limit",
        control="true effect",
        value=least,
        reason="",
        method=f"seen beyond {BOUND} in 95 of 100 repetitions by normal theory",
    )
