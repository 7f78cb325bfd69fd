"""How the numbers of a reader study become findings."""

from __future__ import annotations

from typing import Any

from radassay.evidence.finding import Finding
from radassay.stats.auc import Interval
from radassay.stats.mrmc import Estimate

OVER = "Obuchowski-Rockette (Hillis 2014), random readers and cases"


def finding(name: str, **fields: Any) -> Finding:
    """Return a finding of a reader study; a missing value must come with its reason."""
    return Finding(check="reading", name=name, **fields)


def of(name: str, found: Interval | Estimate, method: str = "", **fields: Any) -> Finding:
    """Return a finding from an estimate with an interval."""
    how = method or getattr(found, "method", "")
    return finding(name, value=found.value, low=found.low, high=found.high, method=how, **fields)


def counted(readers: int) -> str:
    """Return a number of readers in words."""
    return "1 reader" if readers == 1 else f"{readers} readers"
