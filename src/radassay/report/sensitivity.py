"""Which measure sees which planted defect, and from which dose: one table for the whole report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.report import planted, terms

State = Literal["seen", "blind", "not measured", "not planted"]
ANY = "Any of these measures"


@dataclass(frozen=True)
class Cell:
    """One measure under one planted defect."""

    state: State
    text: str
    """The limit of detection without its unit, or the state in a word."""
    interval: str = ""
    limit: float | None = None
    rank: float = 0.0
    """0 where the smallest dose tried was seen, 1 where the largest alone was."""
    monotone: bool = True


@dataclass(frozen=True)
class Defect:
    """One column."""

    name: str
    unit: str
    """Short unit of the doses, such as `%` or `pixels`."""
    range: str
    """Smallest and largest dose tried."""


@dataclass(frozen=True)
class Line:
    """One row."""

    check: str
    measure: str
    cells: tuple[Cell, ...]

    @property
    def label(self) -> str:
        """Return check and measure in one."""
        return f"{self.check}: {self.measure}" if self.check else self.measure


@dataclass(frozen=True)
class Sensitivity:
    """Measures by defects."""

    defects: tuple[Defect, ...]
    lines: tuple[Line, ...]
    """The first line is the best of all measures."""
    unseen: tuple[str, ...]
    """Defects that no measure saw at any dose."""
    images: str
    """At how many images the limits were found, in words; empty where the findings do not say."""


def sensitivity(findings: Sequence[Finding]) -> Sensitivity | None:
    """Return the table of all limits of detection on all images, or None where nothing was planted."""
    limits = [f for f in findings if f.role == "limit" and f.slice == "all" and not _is_true_effect(f)]
    if not limits:
        return None
    doses = _doses(findings)
    names = list(dict.fromkeys(f.control for f in limits))
    by_measure: dict[tuple[str, str], dict[str, Finding]] = {}
    for f in limits:
        by_measure.setdefault((f.check, f.name), {})[f.control] = f
    order = {check: place for place, check in enumerate(terms.ORDER)}
    measures = sorted(by_measure, key=lambda m: order.get(m[0], len(order)))
    lines = [
        Line(
            terms.TITLES.get(check, wording.label(check)),
            wording.label(name),
            tuple(_cell(by_measure[check, name].get(control), doses.get(control, ())) for control in names),
        )
        for check, name in measures
    ]
    best = Line("", ANY, tuple(_best([line.cells[column] for line in lines]) for column in range(len(names))))
    units = {f.control: f.unit for f in limits}
    columns = tuple(_column(name, units[name], doses.get(name, ())) for name in names)
    unseen = tuple(d.name for d, cell in zip(columns, best.cells, strict=True) if cell.state == "blind")
    return Sensitivity(columns, (best, *lines), unseen, _images(limits))


def _is_true_effect(limit: Finding) -> bool:
    """Return whether a limit is about a true effect in place of a planted defect, as in an audit."""
    return limit.control == "true effect"


def _doses(findings: Sequence[Finding]) -> dict[str, tuple[float, ...]]:
    """Return the doses tried of each defect, ascending."""
    tried: dict[str, set[float]] = {}
    for f in findings:
        if f.role == "planted" and f.dose is not None:
            tried.setdefault(f.control, set()).add(f.dose)
    return {control: tuple(sorted(found)) for control, found in tried.items()}


def _cell(limit: Finding | None, doses: Sequence[float]) -> Cell:
    if limit is None:
        return Cell("not planted", "")
    if planted.is_blind(limit):
        return Cell("blind", "blind", monotone=bool(limit.details.get("monotone", True)))
    if limit.value is None:
        return Cell("not measured", "n. m.")
    below = sum(dose < limit.value * (1 - 1e-9) for dose in doses)
    rank = below / (len(doses) - 1) if len(doses) > 1 else 0.0
    span = ""
    if limit.low is not None and limit.high is not None:
        span = f"{_short(limit.low, limit.unit)}–{_short(limit.high, limit.unit)}"
    monotone = bool(limit.details.get("monotone", True))
    return Cell("seen", _short(limit.value, limit.unit), span, limit.value, min(rank, 1.0), monotone)


def _best(cells: Sequence[Cell]) -> Cell:
    """Return the cell of the smallest limit; blind where some measure looked and none saw."""
    seen = [cell for cell in cells if cell.limit is not None]
    if seen:
        return min(seen, key=lambda cell: cell.limit or 0.0)
    return next((c for state in ("blind", "not measured") for c in cells if c.state == state), Cell("not planted", ""))


def _column(name: str, unit: str, doses: Sequence[float]) -> Defect:
    short = "%" if unit.startswith("share") else unit.split(" (")[0]
    tried = f"{_short(doses[0], unit)} to {wording.dose(doses[-1], unit)}" if doses else ""
    return Defect(wording.control(name), short, tried)


def _short(value: float, unit: str) -> str:
    """Return a dose without its unit, with two digits."""
    return f"{100 * value if unit.startswith('share') else value:.2g}"


def _images(limits: Sequence[Finding]) -> str:
    """Return the numbers of images behind most of the limits, in words."""
    told: list[Mapping[str, int]] = [f.details["images"] for f in limits if f.details.get("images")]
    told = [counts for counts in told if counts.get("synthetic")]
    if not told:
        return ""
    keys = [tuple(counts.get(side, 0) for side in ("training", "held_out", "synthetic")) for counts in told]
    training, held_out, synthetic = max(keys, key=keys.count)
    return (
        f"{synthetic:,} images in the place of synthetic ones, {held_out:,} held-out and {training:,} training images"
    )
