"""Cases that every reader got right, or wrong, beside how many of them chance alone would give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom

from radassay.evidence.finding import Finding
from radassay.reading.found import finding

Floats = NDArray[np.float64]
NEGLIGIBLE = 1e-12
"""Probabilities below it are left out."""
MOST_NAMED = 50


def by_chance(hits: Sequence[int], cases: int) -> Floats:
    """Return the probability that 0, 1, ... `cases` cases are hit by every reader, were hits dealt independently.

    Each reader keeps the number of hits they had; which cases they fall on is drawn anew for each reader. The number
    of cases hit by all is then a chain of hypergeometric draws, so the probabilities are exact.

    Args:
        hits: how many of the cases each reader hit; one reader or more.
        cases: how many there are.

    Returns:
        (cases + 1,) probabilities.
    """
    chance = np.zeros(cases + 1)
    chance[hits[0]] = 1.0
    for number in hits[1:]:
        before = np.flatnonzero(chance > NEGLIGIBLE)
        after = np.arange(before.max() + 1)
        moves = hypergeom.pmf(after[None, :], cases, before[:, None], number)
        told = chance[before] @ moves
        chance = np.zeros(cases + 1)
        chance[after] = told
    return np.asarray(chance / chance.sum())


def extremes(right: NDArray[np.bool_], facts: pd.DataFrame, caution: str) -> list[Finding]:
    """Return how many cases every reader got right, and wrong, which, and how many chance would give.

    Chance deals each reader's right answers anew among the cases of an arm, so a reader's skill and bias stay. More
    cases than that are hard, or easy, for everybody: readers see the same things.

    Args:
        right: (readers, cases) whether the answer was right; every reader answered.
        facts: (cases,) what the cases were: `arm`, `image`, `patient`.
        caution: what weakens every result.
    """
    findings = []
    for name, hit in (("n_all_right", right), ("n_all_wrong", ~right)):
        rows = hit.all(axis=0)
        named = [[str(i), str(a)] for i, a in facts[rows][["image", "arm"]].itertuples(index=False)]
        about: dict[str, Any] = {"n_images": len(facts), "n_patients": int(facts["patient"].nunique())}
        about |= {"unit": "images", "reason": caution}
        details = {"images": named[:MOST_NAMED], "readers": len(right)}
        count = int(rows.sum())
        findings.append(finding(name, value=float(count), method="count, exact", details=details, **about))
        if len(right) < 2:
            reason = "of one reader nothing is unanimous"
            findings.append(finding(f"{name}_by_chance", reason=reason))
            continue
        findings.append(finding(f"{name}_by_chance", **_expected(hit, facts, count), **about))
    return findings


def _expected(hit: NDArray[np.bool_], facts: pd.DataFrame, count: int) -> dict[str, Any]:
    """Return mean, range of 95 studies of 100, and how likely so many or more are."""
    chance = np.ones(1)
    for arm in sorted(set(facts["arm"])):
        here = hit[:, (facts["arm"] == arm).to_numpy()]
        chance = np.convolve(chance, by_chance(here.sum(axis=1).tolist(), here.shape[1]))
    up_to = np.cumsum(chance)
    low, high = (int(np.argmax(up_to >= share)) for share in (0.025, 0.975))
    return {
        "value": float(chance @ np.arange(len(chance))),
        "low": float(low),
        "high": float(high),
        "method": "exact; every reader's answers dealt anew among the cases of an arm (hypergeometric); the interval "
        "holds the count of 95 such studies of 100",
        "details": {"found": count, "p_as_many": float(chance[count:].sum())},
    }
