"""Rows of the report: each finding beside its floor, what was planted against it, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.evidence.verdict import Judgement, Status, Verdict
from radassay.report import trial_words
from radassay.report.planted import blind_to, control_of

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
    blind: str = ""
    """The planted defects that it saw at no dose, in words."""


@dataclass(frozen=True)
class Named:
    """Pairs of images that a check names."""

    measure: str
    pairs: tuple[tuple[str, str, str], ...]
    """First image, second image, likeness."""
    total: int
    """How many there are; the pairs are the likeliest of them."""


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
    endpoint: str
    """What the arms are judged by, in words."""


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
        label=trial_words.label(finding),
        part=trial_words.part(finding),
        value=trial_words.value(finding),
        interval=_interval(finding),
        patients=_count(finding.n_patients),
        images=_count(finding.n_images),
        floor=span or (wording.number(floor[0].value, how) if floor and floor[0].value is not None else ""),
        status=status,
        caution=finding.reason,
        method=finding.method,
        blind=", ".join(blind_to(control_of(finding, findings, "limit"))),
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
    named: dict[str, list[str]] = {}
    for f in measured:
        if f.method and f.low is not None:
            named.setdefault(f.method, []).append(trial_words.label(f))
    said += [f"Intervals of {', '.join(dict.fromkeys(names))}: {method}" for method, names in named.items()]
    return tuple(wording.sentence(line) for line in dict.fromkeys(said))


def forest(findings: Sequence[Finding], endpoint: str = "auc") -> Forest | None:
    """Return the trial's forest plot, or None where no trial was held.

    Args:
        findings: all of the run.
        endpoint: what the plan measures the gain in.
    """
    trial = [f for f in findings if f.check == "trial" and f.role == "measurement" and f.value is not None]
    trial = [f for f in trial if f.slice == "all"]
    slugs = {f.id: trial_words.split(f.name) for f in trial}
    arms = [f for f in trial if slugs[f.id][0] == endpoint]
    arms.sort(key=lambda f: trial_words.place(slugs[f.id][1], f))
    rows = tuple(_forest_row(f, trial_words.arm(slugs[f.id][1], f)) for f in arms)
    differences = tuple(_forest_row(f, trial_words.label(f)) for f in trial if f.name.startswith("gain_over_"))
    detectable = next((f.value for f in trial if f.name == "detectable_gain"), None)
    measured = trial_words.ENDPOINTS.get(endpoint, endpoint)
    return Forest(rows, differences, detectable, measured) if rows or differences else None


def _forest_row(finding: Finding, label: str) -> ForestRow:
    assert finding.value is not None
    text = wording.number(finding.value, wording.kind(finding))
    span = wording.interval(finding)
    return ForestRow(label, finding.value, finding.low, finding.high, f"{text} ({span})" if span else text)
