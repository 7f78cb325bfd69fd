"""What planted defects tell of each measure: limits of detection, equivalent doses, dose-response curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from radassay.evidence import wording
from radassay.evidence.curve import curves
from radassay.evidence.finding import Finding

UNMEASURED = "not measured"
"""How the reason of a limit begins that nobody could measure; any other without a value was not seen."""


@dataclass(frozen=True)
class Detected:
    """What one measure would have seen of one planted defect."""

    measure: str
    control: str
    limit: str
    """Limit of detection, or that it was not seen."""
    equivalent: str
    """The dose that reads the same as the images on trial; empty where there is none."""
    caution: str


@dataclass(frozen=True)
class Panel:
    """One planted defect under one measure: the numbers of a dose-response plot."""

    control: str
    unit: str
    doses: tuple[float, ...]
    values: tuple[float, ...]
    ranges: tuple[tuple[float, float] | None, ...]
    """Range over repeats at each dose, where known."""
    limit: float | None


@dataclass(frozen=True)
class Plot:
    """All planted defects under one measure."""

    measure: str
    kind: wording.Kind
    floor: tuple[float, float, float] | None
    """Mean, lower and upper end of real against real."""
    measured: float | None
    panels: tuple[Panel, ...]


def control_of(finding: Finding, findings: Sequence[Finding], role: str) -> list[Finding]:
    """Return the floor or the limits of detection that belong to a measurement."""
    return [f for f in findings if f.role == role and f.key == finding.key and f.slice == finding.slice]


def is_blind(limit: Finding) -> bool:
    """Return whether a limit of detection says that the defect was planted and seen at no dose."""
    return limit.value is None and not limit.reason.startswith(UNMEASURED)


def blind_to(limits: Iterable[Finding]) -> tuple[str, ...]:
    """Return the defects that a measure saw at no dose, in words."""
    return tuple(wording.control(limit.control) for limit in limits if is_blind(limit))


def caution_of(limit: Finding) -> str:
    """Return the caution of a limit, without the number of images, which is told once for all."""
    return "; ".join(part for part in limit.reason.split("; ") if not part.startswith(wording.FOUND_WITH))


def watched(check: str, findings: Sequence[Finding]) -> list[Finding]:
    """Return the measures of a check that were followed by planted defects, one finding each.

    Where the images on trial were not measured, a planted finding stands in for the name.
    """
    planted: dict[tuple[str, str], Finding] = {}
    for f in findings:
        if f.check == check and f.role in ("planted", "limit"):
            planted.setdefault((f.key, f.slice), f)
    own = {(f.key, f.slice): f for f in findings if f.role == "measurement"}
    return [own.get(place, f) for place, f in planted.items()]


def detected(check: str, findings: Sequence[Finding]) -> tuple[Detected, ...]:
    """Return what each measure of a check would have seen of each planted defect."""
    table: list[Detected] = []
    for measure in watched(check, findings):
        lines = []
        by_control = {c.control: c for c in curves(findings, measure.key, measure.slice)}
        floor = next(iter(control_of(measure, findings, "floor")), None)
        for limit in control_of(measure, findings, "limit"):
            curve, equivalent = by_control.get(limit.control), ""
            # Where a measure is blind its curve is noise, and no dose on it means anything.
            if curve and not is_blind(limit) and measure.role == "measurement" and measure.value is not None:
                dose = curve.dose_at(measure.value)
                within = floor and floor.low is not None and floor.high is not None
                if within and floor.low <= measure.value <= floor.high:  # type: ignore[union-attr, operator]
                    equivalent = "none: within the floor"
                elif dose is not None and limit.value is not None and dose < limit.value:
                    equivalent = "less than could be seen"
                elif dose is not None:
                    equivalent = wording.dose(dose, limit.unit)
                elif limit.value is not None:
                    equivalent = _beyond(curve.values, measure.value, wording.dose(curve.doses[-1], limit.unit))
            caution = caution_of(limit)
            if limit.value is not None:
                seen = "from " + wording.dose(limit.value, limit.unit)
            elif curve and is_blind(limit):
                seen = "not seen up to " + wording.dose(curve.doses[-1], limit.unit)
                caution = "" if caution.startswith(("not seen at any dose", "not seen up to")) else caution
            else:
                seen = "not measured"
            lines.append(
                Detected(wording.label(measure.name), wording.control(limit.control), seen, equivalent, caution)
            )
        unseen = {(line.limit, line.caution) for line in lines}
        if len(lines) > 1 and len(unseen) == 1 and lines[0].limit == "not measured":
            lines = [replace(lines[0], control="all planted defects")]
        table += lines
    return tuple(table)


def _beyond(values: Sequence[float], value: float, largest: str) -> str:
    """Return that a value lies past the largest dose, where it does so on the defect's side."""
    past = value > max(values) if values[-1] >= values[0] else value < min(values)
    return f"more than {largest}" if past else "none"


def plots(check: str, findings: Sequence[Finding]) -> tuple[Plot, ...]:
    """Return the dose-response plots of a check, one a watched measure and defect that it saw."""
    drawn = []
    for measure in watched(check, findings):
        floor = next(iter(control_of(measure, findings, "floor")), None)
        limits = {f.control: f for f in control_of(measure, findings, "limit")}
        points = {(f.control, f.dose): f for f in control_of(measure, findings, "planted")}
        panels = []
        for curve in curves(findings, measure.key, measure.slice):
            limit = limits.get(curve.control)
            if limit is not None and is_blind(limit):
                continue  # a flat line tells nothing that the table does not
            repeats = [points.get((curve.control, dose)) for dose in curve.doses]
            panels.append(
                Panel(
                    control=wording.control(curve.control),
                    unit=limit.unit if limit else next((_unit(p) for p in repeats if p), ""),
                    doses=curve.doses,
                    values=curve.values,
                    ranges=tuple(
                        (p.low, p.high) if p and p.low is not None and p.high is not None else None for p in repeats
                    ),
                    limit=limit.value if limit else None,
                )
            )
        if panels:
            ends = (floor.value, floor.low, floor.high) if floor else (None, None, None)
            mean, low, high = ends
            drawn.append(
                Plot(
                    measure=wording.label(measure.name),
                    kind=wording.kind(measure),
                    floor=(mean, low, high) if mean is not None and low is not None and high is not None else None,
                    measured=measure.value if measure.role == "measurement" else None,
                    panels=tuple(panels),
                )
            )
    return tuple(drawn)


def _unit(planted: Finding) -> str:
    return str(planted.details.get("dose_unit", ""))
