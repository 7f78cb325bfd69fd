"""Dose-response curves of planted defects: what a measure reads at a known dose of a known fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from radassay.evidence.finding import Finding


@dataclass(frozen=True)
class Curve:
    """Mean value of one measure at each planted dose of one defect."""

    control: str
    """Name of the defect."""
    doses: tuple[float, ...]
    """Doses tried, ascending, in the defect's unit."""
    values: tuple[float, ...]
    """Mean value at each dose."""

    def value_at(self, dose: float) -> float | None:
        """Return the value at a dose, linear between the doses tried; None outside them (nothing is extrapolated)."""
        if not self.doses or not self.doses[0] <= dose <= self.doses[-1]:
            return None
        for left, right, low, high in zip(self.doses, self.doses[1:], self.values, self.values[1:], strict=False):
            if left <= dose <= right:
                return low + (high - low) * (dose - left) / (right - left)
        return self.values[0]

    def dose_at(self, value: float) -> float | None:
        """Return the smallest dose at which the curve passes a value; None where it never does."""
        for left, right, low, high in zip(self.doses, self.doses[1:], self.values, self.values[1:], strict=False):
            if low != high and min(low, high) <= value <= max(low, high):
                return left + (right - left) * (value - low) / (high - low)
        return None


def curves(findings: Iterable[Finding], key: str, slice: str = "all") -> list[Curve]:
    """Return the curve of every defect planted under a measure, in the order they were recorded.

    Dose 0 is the mean of the blanks (real against real), where they are among the findings.
    """
    points: dict[str, dict[float, float]] = {}
    findings = list(findings)
    blank = next((f.value for f in findings if f.role == "floor" and f.key == key and f.slice == slice), None)
    for f in findings:
        if f.role == "planted" and f.key == key and f.slice == slice and f.value is not None and f.dose is not None:
            points.setdefault(f.control, {} if blank is None else {0.0: blank})[f.dose] = f.value
    return [
        Curve(control, tuple(sorted(by_dose)), tuple(by_dose[dose] for dose in sorted(by_dose)))
        for control, by_dose in points.items()
    ]
