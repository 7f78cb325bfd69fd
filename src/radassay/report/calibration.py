"""Calibration of the main arms: whether a probability of 30 % means that 30 of 100 such patients have the disease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from radassay.evidence.finding import Finding
from radassay.report import trial_words

SLOPE, INTERCEPT = "calibration_slope", "calibration_intercept"


@dataclass(frozen=True)
class Group:
    """Images of alike probability."""

    probability: float
    observed: float
    low: float
    high: float
    images: int


@dataclass(frozen=True)
class Calibration:
    """One arm."""

    arm: str
    groups: tuple[Group, ...]
    """By probability; empty where none were told."""
    slope: str
    """With its interval, or why there is none."""
    intercept: str


def calibrations(findings: Sequence[Finding]) -> tuple[Calibration, ...]:
    """Return the calibration of every arm that was measured, in the order of the tables."""
    own = {f.name: f for f in findings if f.check == trial_words.TRIAL and f.role == "measurement" and f.slice == "all"}
    slopes = [f for name, f in own.items() if trial_words.split(name)[0] == SLOPE]
    slopes.sort(key=lambda f: trial_words.place(trial_words.split(f.name)[1], f))
    return tuple(_calibration(f, own) for f in slopes)


def _calibration(slope: Finding, own: Mapping[str, Finding]) -> Calibration:
    points = slope.details.get("points", [])
    slug = trial_words.split(slope.name)[1]
    intercept = own.get(f"{INTERCEPT}_{slug}")
    return Calibration(
        arm=trial_words.arm(slug, own.get(f"auc_{slug}")),
        groups=tuple(Group(p, observed, low, high, int(images)) for p, observed, low, high, images in points),
        slope=_told(slope),
        intercept=_told(intercept) if intercept else "not measured",
    )


def _told(finding: Finding) -> str:
    if finding.value is None:
        return f"not measured: {finding.reason}"
    return f"{two_digits(finding.value)} ({span(finding) or finding.reason or 'no interval'})"


def span(finding: Finding) -> str:
    """Return the interval with two decimals, or nothing."""
    if finding.low is None or finding.high is None:
        return ""
    return f"{two_digits(finding.low)} to {two_digits(finding.high)}"


def two_digits(value: float) -> str:
    """Return a slope or an intercept as text."""
    return f"{value:.2f}".replace("-", "−")
