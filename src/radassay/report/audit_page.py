"""Gathers a sealed audit and its judgement into one plain structure, from which every form of its report is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.evidence.outcome import WORST_FIRST, AuditJudgement, Outcome
from radassay.evidence.run import Run
from radassay.report import audit_terms as terms
from radassay.report.parts import Picture, counted, counts, flat, mapping, seal_of, seconds

MOST_LABELS = 6
MOST_ROWS = 100
"""Rows of a listed table; the whole of it lies in the run's folder."""


@dataclass(frozen=True)
class SetRow:
    """One audited set."""

    name: str
    images: str
    patients: str
    labels: str
    imported: str
    card: str
    """Path of its card below the run; empty where none was made."""


@dataclass(frozen=True)
class Line:
    """One rule across the sets."""

    rule: str
    question: str
    cells: tuple[str, ...]
    """Worst outcome a set, in the order of the sets; empty where the rule was not asked of that set."""
    whole: str
    """Worst outcome over all parts."""
    probe: str
    place: int
    """Place among all lines."""
    why: str
    """Why it was not run, where that is the outcome of all parts."""


@dataclass(frozen=True)
class Fault:
    """A rule that failed, on all the parts where it did."""

    failure: str
    advice: str
    parts: tuple[tuple[str, str], ...]
    """Part of the images, and the number with its bound."""
    probe: str


@dataclass(frozen=True)
class Measure:
    """One finding, ready to print."""

    label: str
    part: str
    value: str
    interval: str
    limit: str
    """Limit of detection."""
    outcome: str
    patients: str
    images: str
    caution: str


@dataclass(frozen=True)
class Listed:
    """The first rows of a table of the run."""

    caption: str
    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int


@dataclass(frozen=True)
class Section:
    """One probe, with everything it measured."""

    id: str
    title: str
    question: str
    outcomes: tuple[Outcome, ...]
    measures: tuple[Measure, ...]
    methods: tuple[str, ...]
    pictures: tuple[Picture, ...]
    listed: Listed | None


@dataclass(frozen=True)
class Page:
    """Everything the report of an audit says; no drawing is in it."""

    title: str
    answer: str
    rules: str
    sets: tuple[SetRow, ...]
    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]
    unsettled: tuple[Outcome, ...]
    sections: tuple[Section, ...]
    plan: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]
    seal: tuple[tuple[str, str], ...]
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]


def build(run: Run, judgement: AuditJudgement, cards: Mapping[str, str]) -> Page:
    """Return the page of an audit; what is absent from the run is told as not run.

    Args:
        run: the sealed run.
        judgement: its outcomes.
        cards: path of each set's card below the run, by the name of the set.
    """
    about, findings = run.about, run.findings()
    notes = mapping(about.get("notes"))
    sets = mapping(notes.get("sets"))
    given = mapping(run.plan.get("audit")).get("names", [])
    told = {str(name): mapping(sets[name]) for name in [*given, *sorted(set(sets) - {*given})] if name in sets}
    captions = mapping(notes.get("captions"))
    pictures = [Picture(name, str(captions.get(name) or name), png) for name, png in run.pictures().items()]
    probes = {f.check for f in findings} | {o.probe for o in judgement.outcomes}
    probes &= {f.check for f in findings}  # a probe that nobody asked has no section
    names = [p for p in terms.ORDER if p in probes] + sorted(probes - {*terms.ORDER, "import"})
    asked = tuple(o for o in judgement.outcomes if o.probe in probes)
    return Page(
        title=str(run.plan.get("name") or run.path.name),
        answer=judgement.answer,
        rules=judgement.rules,
        sets=tuple(_set(name, of, cards.get(name, "")) for name, of in told.items()),
        lines=tuple(_lines(asked, list(told))),
        faults=tuple(_faults(asked)),
        unsettled=tuple(o for o in asked if o.outcome in ("inconclusive", "not run")),
        sections=tuple(_section(name, findings, asked, pictures, run) for name in names),
        plan=tuple(flat(run.plan)),
        provenance=tuple(flat({k: v for k, v in about.items() if k != "notes"} | seconds(notes))),
        seal=tuple(seal_of(run)),
        outcomes=asked,
        findings=tuple(findings),
    )


def part_words(part: str) -> str:
    """Return a slice as a reader should see it: `cohen-cxr, label COVID-19`."""
    if part == "all":
        return "all sets"
    words = []
    for item in part.split(", "):
        key, equals, value = item.partition("=")
        words.append(value if key in ("set", "sets") else f"{key.replace('_', ' ')} {value}" if equals else item)
    return ", ".join(words).replace("+", " and ")


def _set(name: str, of: Mapping[str, Any], card: str) -> SetRow:
    return SetRow(
        name=name,
        images=counted(of.get("images")),
        patients=counted(of.get("patients")) if of.get("patients_known") else f"{counted(of.get('patients'))} known",
        labels=_labels(mapping(of.get("labels"))),
        imported=counts({k: v for k, v in mapping(of.get("import")).items() if v}),
        card=card,
    )


def _labels(of: Mapping[str, Any]) -> str:
    """Return the most frequent labels with their counts."""
    ranked = sorted(of.items(), key=lambda item: (-int(item[1]), item[0]))
    told = counts({label or "no label": number for label, number in ranked[:MOST_LABELS]})
    return told + (f", and {len(ranked) - MOST_LABELS} rarer labels" if len(ranked) > MOST_LABELS else "")


def _lines(outcomes: Sequence[Outcome], sets: Sequence[str]) -> list[Line]:
    lines: list[Line] = []
    place = {name: number for number, name in enumerate(terms.ORDER)}
    ordered = sorted(outcomes, key=lambda o: place.get(o.probe, len(place)))
    for rule in dict.fromkeys(o.rule for o in ordered):
        mine = [o for o in outcomes if o.rule == rule]
        cells = tuple(_worst([o for o in mine if name in o.sets or not o.sets]) for name in sets)
        whole = _worst(mine)
        why = " ".join(dict.fromkeys(o.reason for o in mine)) if whole == "not run" else ""
        lines.append(Line(rule, mine[0].question, cells, whole, mine[0].probe, len(lines), why))
    return lines


def _worst(outcomes: Sequence[Outcome]) -> str:
    return min((o.outcome for o in outcomes), key=WORST_FIRST.index) if outcomes else ""


def _faults(outcomes: Sequence[Outcome]) -> list[Fault]:
    failing = [o for o in outcomes if o.outcome == "fails"]
    faults = []
    for rule in dict.fromkeys(o.rule for o in failing):
        mine = [o for o in failing if o.rule == rule]
        parts = tuple((part_words(o.slice), o.reason) for o in mine)
        faults.append(Fault(wording.sentence(mine[0].failure), wording.sentence(mine[0].advice), parts, mine[0].probe))
    return faults


def _section(
    name: str, findings: Sequence[Finding], outcomes: Sequence[Outcome], pictures: Sequence[Picture], run: Run
) -> Section:
    own = [f for f in findings if f.check == name and f.role == "measurement"]
    limits = {(f.name, f.slice): f for f in findings if f.check == name and f.role == "limit"}
    word = {o.findings[0]: o.outcome for o in outcomes if o.findings}
    return Section(
        id=name,
        title=terms.TITLES.get(name, wording.label(name)),
        question=terms.QUESTIONS.get(name, ""),
        outcomes=tuple(o for o in outcomes if o.probe == name),
        measures=tuple(_measure(f, limits.get((f.name, f.slice)), str(word.get(f.id, ""))) for f in own),
        methods=tuple(dict.fromkeys(f"{wording.label(f.name)}: {f.method}" for f in own if f.method)),
        pictures=tuple(sorted((p for p in pictures if p.name.startswith(name)), key=lambda p: p.name)),
        listed=_listed(name, run),
    )


def _measure(finding: Finding, limit: Finding | None, outcome: str) -> Measure:
    how = wording.kind(finding)
    seen = "" if limit is None else limit.reason if limit.value is None else wording.number(limit.value, how)
    return Measure(
        label=wording.label(finding.name),
        part=part_words(finding.slice),
        value="not run" if finding.value is None else wording.number(finding.value, how),
        interval=wording.interval(finding),
        limit=seen,
        outcome=outcome,
        patients=counted(finding.n_patients),
        images=counted(finding.n_images),
        caution=finding.reason,
    )


def _listed(probe: str, run: Run) -> Listed | None:
    if probe not in terms.LISTS:
        return None
    name, caption, wanted = terms.LISTS[probe]
    if name not in run.tables():
        return None
    table = run.table(name)
    if "verified" in table:
        table = table[table["verified"]]
    columns = tuple(c for c in wanted if c in table)
    shown = table[list(columns)].head(MOST_ROWS)
    rows = tuple(tuple(_cell(value) for value in row) for row in shown.itertuples(index=False))
    return Listed(caption, name, columns, rows, len(table)) if len(table) else None


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else wording.number(value)
    return str(value)
