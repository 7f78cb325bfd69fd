"""Rows of the report: each finding beside its floor, what was planted against it, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from radassay.evidence import wording
from radassay.evidence.curve import curves
from radassay.evidence.finding import Finding
from radassay.evidence.verdict import Judgement, Status, Verdict

WORST_FIRST: tuple[Status, ...] = ("not met", "unclear", "not measured", "met", "not applicable")


@dataclass(frozen=True)
class Row:
    """One finding, ready to print."""

    label: str
    part: str
    """The part of the images it is about; empty for all."""
    value: str
    interval: str
    patients: str
    """Independent units behind the number."""
    images: str
    floor: str
    """What real images against real images give."""
    status: str
    """The worst verdict that rests on it; empty where no rule asks for it."""
    caution: str
    """Why there is no value, or what to beware of."""
    method: str


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
class Named:
    """Pairs of images that a check names."""

    measure: str
    pairs: tuple[tuple[str, str, str], ...]
    """First image, second image, likeness."""
    total: int
    """How many there are; the pairs are the likeliest of them."""


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


@dataclass(frozen=True)
class ForestRow:
    """One line of the forest plot."""

    label: str
    value: float
    low: float | None
    high: float | None
    text: str
    """Value and interval as printed."""


@dataclass(frozen=True)
class Forest:
    """The trial: arms by their AUC, and paired differences."""

    arms: tuple[ForestRow, ...]
    differences: tuple[ForestRow, ...]
    detectable: float | None
    """Smallest gain that the trial could have seen."""


def statuses(judgement: Judgement) -> dict[str, str]:
    """Return the worst status of every judged measurement, by finding id."""
    found: dict[str, str] = {}
    for verdict in verdicts(judgement):
        for finding in verdict.findings[:1]:  # the first is the measurement, the others are its controls
            known = [found[finding]] if finding in found else []
            found[finding] = min([*known, verdict.status], key=lambda s: [*WORST_FIRST].index(s))  # type: ignore[arg-type]
    return found


def verdicts(judgement: Judgement) -> list[Verdict]:
    """Return every verdict, rung by rung."""
    return [v for rung in judgement.rungs for v in rung.verdicts]


def rows(measured: Sequence[Finding], findings: Sequence[Finding], status: Mapping[str, str]) -> tuple[Row, ...]:
    """Return the rows of some measurements, all images before their parts."""
    ordered = sorted(measured, key=lambda f: f.slice != "all")
    return tuple(_row(f, findings, status.get(f.id, "")) for f in ordered)


def _row(finding: Finding, findings: Sequence[Finding], status: str) -> Row:
    how = wording.kind(finding)
    floor = control_of(finding, findings, "floor")
    span = wording.interval(floor[0]) if floor else ""
    return Row(
        label=wording.label(finding.name),
        part="" if finding.slice == "all" else finding.slice.replace("=", ": "),
        value="not measured" if finding.value is None else wording.number(finding.value, how),
        interval=_interval(finding),
        patients=_count(finding.n_patients),
        images=_count(finding.n_images),
        floor=span or (wording.number(floor[0].value, how) if floor and floor[0].value is not None else ""),
        status=status,
        caution=finding.reason,
        method=finding.method,
    )


def _interval(finding: Finding) -> str:
    """Return the interval with its level where that is not 95 %; counts have none and need none."""
    span = wording.interval(finding)
    if span:
        return span if abs(finding.level - 0.95) < 0.0005 else f"{span} ({100 * finding.level:.3g} %)"
    if finding.value is None:
        return ""
    return "counted" if wording.kind(finding) == "count" else "none"


def _count(n: int | None) -> str:
    return "" if n is None else f"{n:,}"


def control_of(finding: Finding, findings: Sequence[Finding], role: str) -> list[Finding]:
    """Return the floor or the limits of detection that belong to a measurement."""
    return [f for f in findings if f.role == role and f.key == finding.key and f.slice == finding.slice]


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
            if curve and measure.role == "measurement" and measure.value is not None:
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
            caution = limit.reason
            if limit.value is not None:
                seen = "from " + wording.dose(limit.value, limit.unit)
            elif curve and not limit.reason.startswith("not measured"):
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


def named(check: str, findings: Sequence[Finding], most: int = 10) -> tuple[Named, ...]:
    """Return the pairs that the findings of a check name by their sources."""
    tables = []
    for f in findings:
        sources, pairs = f.details.get("sources"), f.details.get("pairs")
        if f.check != check or f.role != "measurement" or f.slice != "all":
            continue
        if not (isinstance(sources, list) and isinstance(pairs, list) and sources and len(sources) == len(pairs)):
            continue
        both = [(s, p) for s, p in zip(sources, pairs, strict=True) if isinstance(s, list) and len(s) == 2]
        lines = tuple((str(s[0]), str(s[1]), _likeness(p)) for s, p in both[:most])
        total = int(f.value) if f.value is not None and wording.kind(f) == "count" else len(sources)
        if lines:
            tables.append(Named(wording.label(f.name), lines, total))
    return tuple(tables)


def _likeness(pair: object) -> str:
    score = pair[2] if isinstance(pair, list | tuple) and len(pair) > 2 else None
    return wording.number(score) if isinstance(score, int | float) else ""


def methods(measured: Sequence[Finding]) -> tuple[str, ...]:
    """Return how the numbers of a check were made: features and intervals, each said once."""
    said = []
    for f in measured:
        if f.details.get("encoder"):
            space = f.details.get("space")
            said.append(f"Features: {f.details['encoder']}" + (f", {space}" if space else ""))
    said += [f"Intervals: {f.method}" for f in measured if f.method and f.low is not None]
    return tuple(wording.sentence(line) for line in dict.fromkeys(said))


def plots(check: str, findings: Sequence[Finding]) -> tuple[Plot, ...]:
    """Return the dose-response plots of a check, one a watched measure."""
    drawn = []
    for measure in watched(check, findings):
        floor = next(iter(control_of(measure, findings, "floor")), None)
        limits = {f.control: f for f in control_of(measure, findings, "limit")}
        points = {(f.control, f.dose): f for f in control_of(measure, findings, "planted")}
        panels = []
        for curve in curves(findings, measure.key, measure.slice):
            limit = limits.get(curve.control)
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


def forest(findings: Sequence[Finding]) -> Forest | None:
    """Return the trial's forest plot, or None where no trial was held."""
    trial = [f for f in findings if f.check == "trial" and f.role == "measurement" and f.value is not None]
    trial = [f for f in trial if f.slice == "all"]
    arms = tuple(_forest_row(f) for f in trial if f.name.startswith("auc_"))
    differences = tuple(_forest_row(f) for f in trial if f.name.startswith(("gain_", "change_")))
    detectable = next((f.value for f in trial if f.name == "detectable_gain"), None)
    return Forest(arms, differences, detectable) if arms or differences else None


def _forest_row(finding: Finding) -> ForestRow:
    assert finding.value is not None
    text = wording.number(finding.value, wording.kind(finding))
    span = wording.interval(finding)
    return ForestRow(
        wording.label(finding.name), finding.value, finding.low, finding.high, f"{text} ({span})" if span else text
    )
