"""What one check answered to blanks and planted defects, and the findings that follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from radassay.contracts.check import Check, Inputs
from radassay.contracts.defect import Defect
from radassay.controls.wanted import Plan
from radassay.evidence import wording
from radassay.evidence.finding import Direction, Finding
from radassay.stats.detection import FEWEST_BLANKS, Watched, limit_of_blank, limit_of_detection, spread

Condition = tuple[str, float]
"""Name of the defect and its dose; ("", 0.0) is a blank."""
BLANK: Condition = ("", 0.0)


class Reading(NamedTuple):
    """One watched measure of one run."""

    value: float | None
    reason: str
    """Why there is no value."""
    unit: str = ""
    direction: Direction = "neither"


def readings(check: Check, findings: Iterable[Finding]) -> dict[str, Reading]:
    """Return the watched measures of one run; only values of the whole set (slice `all`) are watched."""
    answers = {f.name: f for f in findings if f.slice == "all" and f.role == "measurement"}
    read = {}
    for measure in check.watched:
        answer = answers.get(measure)
        if answer is None:
            read[measure] = Reading(None, "the check gave no such measure")
        else:
            read[measure] = Reading(answer.value, answer.reason, answer.unit, answer.direction)
    return read


@dataclass
class Responses:
    """The watched measures of one check under every condition."""

    check: Check
    plan: Plan
    """The measures followed, and what is planted under each."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Images on each side of a blank."""
    whole: Mapping[str, int] = field(default_factory=dict)
    """Images on each side of the study."""
    values: dict[tuple[str, Condition], list[float]] = field(default_factory=dict)
    """By measure and condition, in the order of the repeats."""
    reasons: dict[tuple[str, Condition], str] = field(default_factory=dict)
    """Why a repeat gave no value; the first reason stands for all."""
    units: dict[str, tuple[str, Direction]] = field(default_factory=dict)
    """Unit and direction of each measure, as the check states them."""

    def note(self, condition: Condition, read: Mapping[str, Reading] | str) -> None:
        """Keep the measures of one repeat, or why it could not be done."""
        for measure in self.plan:
            if isinstance(read, str):
                self.reasons.setdefault((measure, condition), read)
                continue
            reading = read[measure]
            if reading.direction != "neither" or reading.unit:
                self.units[measure] = (reading.unit, reading.direction)
            if reading.value is None:
                self.reasons.setdefault((measure, condition), reading.reason)
            else:
                self.values.setdefault((measure, condition), []).append(float(reading.value))

    def findings(self, inputs: Inputs, random: Callable[..., np.random.Generator], draws: int) -> list[Finding]:
        """Return floor, planted values and limits of detection, in the order of measures, defects and doses."""
        out = []
        for measure, defects in self.plan.items():
            way: Watched = "lower" if self.check.watched[measure] == "lower" else "higher"
            common = self._common(measure, inputs)
            out.append(self._floor(measure, way, common))
            for defect in defects:
                out.extend(self._planted(measure, defect, dose, common) for dose in defect.doses)
            for defect in defects:
                rng = random("limit", self.check.name, measure, defect.name)
                out.append(self._limit(measure, way, defect, common, rng, draws))
        return out

    def _common(self, measure: str, inputs: Inputs) -> dict[str, Any]:
        real = [inputs.training, inputs.held_out]
        made = [inputs.synthetic] if self.check.reads == "synthetic" else []
        return {
            "check": self.check.name,
            "name": measure,
            "n_patients": len({str(p) for s in real for p in s.patients}),
            "n_images": sum(len(s) for s in real),
            "inputs": inputs.fingerprints(*real, *made),
        }

    def _unit(self, measure: str) -> dict[str, Any]:
        unit, direction = self.units.get(measure, ("", "neither"))
        return {"unit": unit, "direction": direction}

    def _floor(self, measure: str, watched: Watched, common: dict[str, Any]) -> Finding:
        values = self.values.get((measure, BLANK), [])
        details: dict[str, Any] = {"values": [_short(v) for v in values], "watched": watched}
        if len(values) >= FEWEST_BLANKS:
            details["limit_of_blank"] = _short(limit_of_blank(values, watched))
        how = {"synthetic": "real patients split at random", "real": "patients split and labels permuted at random"}
        return Finding(
            **common,
            **self._unit(measure),
            **self._range(measure, BLANK, f"blanks ({how[self.check.reads]})"),
            role="floor",
            details=details,
        )

    def _planted(self, measure: str, defect: Defect, dose: float, common: dict[str, Any]) -> Finding:
        condition = (defect.name, dose)
        return Finding(
            **common,
            **self._unit(measure),
            **self._range(measure, condition, "repeats, each in a new blank"),
            role="planted",
            control=defect.name,
            dose=dose,
            details={
                "values": [_short(v) for v in self.values.get((measure, condition), [])],
                "dose_unit": defect.unit,
            },
        )

    def _range(self, measure: str, condition: Condition, what: str) -> dict[str, Any]:
        """Return the mean and where the values lie, or the reason why there is none."""
        values = self.values.get((measure, condition), [])
        reason = self.reasons.get((measure, condition), "")
        if not values:
            return {"value": None, "reason": f"not measured: {reason or 'no repeat was done'}"}
        caution = f"some repeats not measured: {reason}" if reason else ""
        if len(values) < 2:
            return {"value": values[0], "reason": caution or "a single repeat has no interval"}
        low, high, level = spread(values)
        mean = min(max(math.fsum(values) / len(values), low), high)
        method = f"where one more value would lie: order statistics of {len(values)} {what}"
        return {"value": mean, "low": low, "high": high, "level": round(level, 4), "method": method, "reason": caution}

    def _limit(
        self,
        measure: str,
        watched: Watched,
        defect: Defect,
        common: dict[str, Any],
        rng: np.random.Generator,
        draws: int,
    ) -> Finding:
        blanks = self.values.get((measure, BLANK), [])
        planted = [self.values.get((measure, (defect.name, dose)), []) for dose in defect.doses]
        found = limit_of_detection(blanks, defect.doses, planted, watched, rng=rng, draws=draws)
        reason = found.reason
        if found.limit is None and reason.startswith("not measured"):
            known = [self.reasons.get((measure, c)) for c in (BLANK, *((defect.name, d) for d in defect.doses))]
            reason = "; ".join([reason, *[why for why in known if why][:1]])
        elif reason:
            lowest = wording.dose(defect.doses[0], "share" if defect.unit.startswith("share") else "")
            reason = f"{reason}; doses from {lowest} to {wording.dose(defect.doses[-1], defect.unit)}"
        reason = "; ".join(part for part in (reason, self._fewer()) if part)
        return Finding(
            **common,
            value=found.limit,
            low=found.low,
            high=found.high,
            reason=reason,
            unit=defect.unit,
            direction="lower is better",
            role="limit",
            control=defect.name,
            method=f"limit of detection after CLSI EP17-A2 on isotonic means; parametric bootstrap, {draws} draws",
            details={
                "limit_of_blank": None if found.limit_of_blank is None else _short(found.limit_of_blank),
                "means": [_short(m) for m in found.means],
                "monotone": found.monotone,
                "watched": watched,
                "doses": [_short(dose) for dose in found.doses],
                "power": [round(share, 3) for share in found.power],
                "images": dict(self.numbers),
                "of": dict(self.whole),
            },
        )

    def _fewer(self) -> str:
        """Return at how many images a limit was found, where the study has more; else nothing."""
        names = {"training": "training", "held_out": "held-out", "synthetic": "synthetic"}
        told = [
            f"{self.numbers[side]:,} of {self.whole[side]:,} {name}"
            for side, name in names.items()
            if side in self.numbers and self.numbers[side] < self.whole.get(side, 0)
        ]
        return f"{wording.FOUND_WITH} {', '.join(told)} images" if told else ""


def _short(value: float) -> float:
    """Return the value with six significant digits, enough to draw it."""
    return float(f"{value:.6g}")
