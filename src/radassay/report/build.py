"""Gathers a sealed run and its judgement into one plain structure, from which every form of the report is drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.evidence.verdict import Judgement, Rung, Verdict
from radassay.report import planted, tables, terms, trial_words
from radassay.report.encoders import Encoders, encoders
from radassay.report.parts import Picture, counted, counts, flat, mapping, seal_of, seconds
from radassay.report.reading_page import ReadingPage, reading_page
from radassay.report.reading_words import READING
from radassay.report.sensitivity import Sensitivity, sensitivity
from radassay.report.trial_page import Amended, TrialPage, amended, trial_page

KEY_NUMBERS = (
    ("shortcut.auc_border", "Label from the image border alone"),
    ("fidelity.kid", "Distance to real images (KID)"),
    ("coverage.coverage", "Variety of real images covered"),
    ("memorisation.copy_share", "Copies of training patients"),
    ("leakage.shared_images", "Radiographs in training and testing"),
    ("trial.gain_over_controls", "Gain in AUC over the best control"),
)
"""What a reader in a hurry should see, with its title."""

READING_NUMBERS = (
    ("reading.auc_readers", "Telling synthetic from real (AUC, 0.5 is guessing)"),
    ("reading.n_readers", "Readers"),
    ("reading.choice_correct", "Right choices of the real image"),
    ("reading.diagnosis_difference", "Diagnosis, AUC on synthetic less real"),
)
"""The same of a run that is a reader study and nothing else; what was not asked is left out."""

JUDGED_AS = {"reading.auc_readers": "reading.distance_in_margins"}
"""Numbers that rules read in another unit."""

OWN_DEFECTS = {
    "shortcut.auc_border": "corner marker in real images",
    "fidelity.kid": "blur",
    "coverage.coverage": "collapse",
    "memorisation.copy_share": "copies",
    "leakage.shared_images": "shared images",
}
"""The planted defect that each of these is made to find."""


@dataclass(frozen=True)
class KeyNumber:
    """One number of the summary."""

    title: str
    value: str
    interval: str
    status: str
    note: str
    """The equivalent dose of a planted defect, or why there is no value."""


@dataclass(frozen=True)
class Section:
    """One check, with everything it measured."""

    id: str
    title: str
    question: str
    verdicts: tuple[Verdict, ...]
    rows: tuple[tables.Row, ...]
    detected: tuple[planted.Detected, ...]
    plots: tuple[planted.Plot, ...]
    named: tuple[tables.Named, ...]
    methods: tuple[str, ...]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class ImageSetRow:
    """One image set of the study, counted."""

    role: str
    name: str
    images: str
    patients: str
    labels: str
    splits: tuple[str, ...]
    imported: str
    fingerprint: str


@dataclass(frozen=True)
class Report:
    """Everything a report says; no drawing is in it."""

    title: str
    question: str
    answer: str
    reached: int
    next_step: str
    rules: str
    rungs: tuple[Rung, ...]
    key_numbers: tuple[KeyNumber, ...]
    not_measured: tuple[tuple[str, str], ...]
    """What was not measured, and why."""
    grids: tuple[Picture, ...]
    sections: tuple[Section, ...]
    sensitivity: Sensitivity | None
    """What each measure would have seen of each planted defect."""
    encoders: Encoders | None
    """What depends on the choice of the encoder; None where one alone has looked."""
    reading: Section
    reading_page: ReadingPage | None
    """The reader study in words and pictures; None where none was held."""
    trial: Section
    forest: tables.Forest | None
    trial_page: TrialPage
    sets: tuple[ImageSetRow, ...]
    data_rows: tuple[tables.Row, ...]
    test_uses: tuple[str, ...]
    data_pictures: tuple[Picture, ...]
    cautions: tuple[str, ...]
    """What weakens the whole of the evidence, such as unknown patients."""
    provenance: tuple[tuple[str, str], ...]
    plan: tuple[tuple[str, str], ...]
    amendments: tuple[Amended, ...]
    """What was changed in the plan after it was written down."""
    seal: tuple[tuple[str, str], ...]
    """Sealed files and their SHA-256."""
    findings: tuple[Finding, ...]


def build(run: Run, judgement: Judgement) -> Report:
    """Return the report of a run and its judgement.

    Anything may be absent from the run: what is not there is told as not measured. The same run and judgement give
    the same report.
    """
    findings = run.findings()
    about = run.about
    notes = mapping(about.get("notes"))
    pictures = _pictures(run, notes.get("captions"))
    status = tables.statuses(judgement)
    measured = [f for f in findings if f.role == "measurement"]
    checks = {f.check for f in findings} | {v_check(v, findings) for v in tables.verdicts(judgement)}
    checks -= {*terms.IN_DATA, "trial", READING, ""}
    names = [c for c in terms.ORDER if c in checks] + sorted(checks - set(terms.ORDER))
    # What a second encoder sees has a table of its own.
    seen = [f for f in findings if not f.slice.startswith(wording.BY_ENCODER)]
    sections = tuple(_section(name, seen, judgement, status, pictures) for name in names)
    trial = _section("trial", findings, judgement, status, pictures)
    shown = {p.name for s in (*sections, trial) for p in s.pictures}
    grids = tuple(p for p in pictures if p.name.startswith("grid"))
    sets = mapping(notes.get("sets"))
    return Report(
        title=str(run.plan.get("name") or run.path.name),
        question=str(run.plan.get("question") or ""),
        answer=judgement.answer,
        reached=judgement.reached,
        next_step=judgement.next_step,
        rules=judgement.rules,
        rungs=judgement.rungs,
        key_numbers=tuple(_key_numbers(findings, status)),
        not_measured=tuple(_not_measured(measured, judgement)),
        grids=grids,
        sections=sections,
        sensitivity=sensitivity(findings),
        encoders=encoders(findings),
        reading=_section(READING, findings, judgement, status, pictures),
        reading_page=reading_page(run, findings),
        trial=trial,
        forest=tables.forest(findings, str(mapping(run.plan.get("trial")).get("endpoint", "auc"))),
        trial_page=trial_page(findings),
        sets=tuple(_set_row(str(role), of) for role, of in sets.items() if isinstance(of, dict)),
        data_rows=tables.rows([f for f in measured if f.check in terms.IN_DATA], findings, status),
        test_uses=tuple(_uses(notes.get("test_uses"))),
        data_pictures=tuple(p for p in pictures if p.name not in shown and p not in grids),
        cautions=tuple(_cautions(sets)),
        provenance=tuple(flat({k: v for k, v in about.items() if k != "notes"} | seconds(notes))),
        plan=tuple(flat(run.plan)),
        amendments=amended(run.amendments()),
        seal=tuple(seal_of(run)),
        findings=tuple(findings),
    )


def v_check(verdict: Verdict, findings: Sequence[Finding]) -> str:
    """Return the check whose measurement a verdict rests on, or an empty string."""
    return next((f.check for f in findings if f.id in verdict.findings[:1]), "")


def _section(
    name: str,
    findings: Sequence[Finding],
    judgement: Judgement,
    status: Mapping[str, str],
    pictures: Sequence[Picture],
) -> Section:
    own = [f for f in findings if f.check == name and f.role == "measurement"]
    return Section(
        id=name,
        title=terms.TITLES.get(name, wording.label(name)),
        question=terms.QUESTIONS.get(name, ""),
        verdicts=tuple(v for v in tables.verdicts(judgement) if v_check(v, findings) == name),
        rows=tables.rows(own, findings, status),
        detected=planted.detected(name, findings),
        plots=planted.plots(name, findings),
        named=tables.named(name, findings),
        methods=tables.methods(own),
        pictures=tuple(p for p in pictures if p.name.startswith((f"pairs-{name}-", f"examples-{name}-"))),
    )


def _pictures(run: Run, captions: Any) -> list[Picture]:
    told = mapping(captions)
    return [Picture(name, str(told.get(name) or _caption(name)), png) for name, png in run.pictures().items()]


def _caption(name: str) -> str:
    kind, _, rest = name.partition("-")
    words = wording.label(rest.replace("-", "_")) if rest else ""
    if kind == "pairs":
        measure = wording.label(rest.partition("-")[2].replace("-", "_"))
        return f"{measure}: the pairs that the check names, most alike first" if measure else "Pairs named by the check"
    if kind == "examples":
        return f"{wording.label(rest.partition('-')[2].replace('-', '_'))}: examples"
    return f"{words} images" if kind == "grid" else wording.label(name.replace("-", "_"))


def _key_numbers(findings: Sequence[Finding], status: Mapping[str, str]) -> Iterator[KeyNumber]:
    known = {f.key for f in findings}
    alone = bool(known) and all(key.startswith(f"{READING}.") for key in known)
    asked = [pair for pair in READING_NUMBERS if pair[0] in known]
    for key, title in asked if alone else KEY_NUMBERS:
        finding = next((f for f in findings if f.key == key and f.role == "measurement" and f.slice == "all"), None)
        if finding is None or finding.value is None:
            reason = finding.reason if finding else "nobody has measured it"
            yield KeyNumber(title, "not measured", "", "not measured", reason)
            continue
        rows = planted.detected(finding.check, findings)
        own = (wording.label(finding.name), OWN_DEFECTS.get(key))
        seen = next((d for d in rows if (d.measure, d.control) == own), None)
        note = f"planted {seen.control}: {'seen ' * seen.limit.startswith('from')}{seen.limit}" if seen else ""
        if seen and seen.equivalent[:1].isdigit():
            note += f"; these images read like {seen.equivalent}"
        how = wording.kind(finding)
        number = wording.number(finding.value, how)
        judged = next((f for f in findings if f.key == JUDGED_AS.get(key, key) and f.slice == "all"), finding)
        yield KeyNumber(title, number, wording.interval(finding), status.get(judged.id, ""), note)


def _not_measured(measured: Sequence[Finding], judgement: Judgement) -> Iterator[tuple[str, str]]:
    """Yield what nobody measured: first what a rung of the ladder waits for, then every finding without a value."""
    told: set[str] = set()
    for verdict in tables.verdicts(judgement):
        if verdict.status == "not measured":
            told.update(verdict.findings[:1])
            yield f"L{verdict.rung}: {verdict.question}", verdict.reason
    rest: dict[tuple[str, str], dict[str, list[str]]] = {}
    for f in measured:
        if f.value is None and f.id not in told and not trial_words.is_beyond(f):
            parts = rest.setdefault((f.check, f.reason), {}).setdefault(trial_words.label(f), [])
            parts += [part] if (part := trial_words.part(f)) else []
    for (check, reason), names in rest.items():
        each = [f"{name} ({trial_words.some(parts)})" if parts else name for name, parts in names.items()]
        yield f"{terms.TITLES.get(check, wording.label(check))}: {'; '.join(each)}", reason


def _set_row(role: str, of: Mapping[str, Any]) -> ImageSetRow:
    known = of.get("patients_known", bool(of.get("patients")))
    splits = mapping(of.get("splits"))
    return ImageSetRow(
        role=role,
        name=str(of.get("name", "")),
        images=counted(of.get("images")),
        patients=counted(of.get("patients")) if known else "not known",
        labels=counts(of.get("labels")),
        splits=tuple(
            f"{part}: {counted(s.get('images'))} images"
            + (f", {counted(s.get('patients'))} patients" if known else "")
            + f" ({counts(s.get('labels'))})"
            for part, s in sorted(splits.items(), key=lambda item: _split_place(item[0]))
            if isinstance(s, dict)
        ),
        imported=counts(of.get("import")),
        fingerprint=str(of.get("fingerprint", "")),
    )


def _split_place(part: str) -> tuple[int, str]:
    """Return the place of a split in the order in which it is used."""
    order = ("train", "validation", "test")
    return (order.index(part) if part in order else len(order), part)


def _uses(value: Any) -> Iterator[str]:
    """Yield one line a use of the sealed test images."""
    for use in value if isinstance(value, list) else [value] if value else []:
        yield ", ".join(str(v) for v in use.values() if v != "") if isinstance(use, dict) else str(use)


def _cautions(sets: Mapping[str, Any]) -> Iterator[str]:
    for role, of in sets.items():
        if isinstance(of, dict) and role != "synthetic" and not of.get("patients_known", bool(of.get("patients"))):
            yield (
                f"{of.get('name') or role}: the patient of some or all images is not known. Each such image counts as "
                "a patient of its own, so intervals may be too narrow and a split by patient cannot be guaranteed."
            )


def plain(report: Report) -> dict[str, Any]:
    """Return the report as JSON values; pictures by name, caption and SHA-256."""

    def seen(picture: Picture) -> dict[str, str]:
        return {"name": picture.name, "caption": picture.caption, "sha256": picture.sha256}

    def section(part: Section) -> dict[str, Any]:
        return {**asdict(part), "pictures": [seen(p) for p in part.pictures]}

    told = asdict(report)
    told.update(
        schema="radassay-report/1",
        grids=[seen(p) for p in report.grids],
        data_pictures=[seen(p) for p in report.data_pictures],
        sections=[section(s) for s in report.sections],
        reading=section(report.reading),
        trial=section(report.trial),
        findings=[json.loads(f.to_json()) | {"id": f.id} for f in report.findings],
    )
    return told
