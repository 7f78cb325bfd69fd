"""The audit: sets in, every probe asked about them, seal, outcomes by the rules, report and data set cards.

Every probe is recorded as a stage of its own, always in the same order, and is skipped when it is there already, so
that the same command carries on after a kill and ends in the same findings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from radassay import registry
from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import read_rules
from radassay.contracts.probe import Answer, Probe, Subject
from radassay.contracts.progress import Progress, Report, silent
from radassay.engine.processes import cores, processes
from radassay.errors import InputError, RadassayError, SettingsError
from radassay.evidence.finding import Finding
from radassay.evidence.outcome import AuditJudgement
from radassay.evidence.provenance import provenance
from radassay.evidence.run import Run, write_atomic
from radassay.images.imageset import ImageSet
from radassay.images.importing import import_images
from radassay.images.masks import find_masks
from radassay.images.sources import TABLES
from radassay.report import audit_page, audit_render, card, croissant
from radassay.workbench.making import plugin
from radassay.workbench.materials import counting, describe, import_findings, seed_of

FIRST = "same-radiograph"
"""The costliest probe; begun first, so that the others fit beside it."""


@dataclass(frozen=True)
class Audit:
    """What is audited, and how."""

    sources: tuple[Path, ...]
    """Folders, tables or image sets; a set is named after its folder."""
    positive: tuple[str, ...] = ()
    """Labels that count as diseased; without any, every frequent label is asked about."""
    probes: tuple[str, ...] = ()
    """Names of the probes; empty for all."""
    classifier: str = ""
    """Name of a network that some probes train too; empty for linear models alone."""
    patient_key: str = ""
    """Key of the pseudonyms."""
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.sources:
            raise SettingsError("An audit needs at least one image set", possible="Give folders or tables of images")
        there = registry.names("probes")
        unknown = [name for name in self.probes if name not in there]
        if unknown:
            raise SettingsError("No such probe", got=", ".join(unknown), possible="Probes: " + ", ".join(there))

    @property
    def names(self) -> list[str]:
        """Return the name of each set: that of its folder or table, numbered where two are alike."""
        names: list[str] = []
        for source in self.sources:
            path = source.resolve()
            name = (path.parent if path.name in TABLES else path).name.replace("+", "-").replace(",", "-") or "set"
            alike = sum(other == name or other.startswith(f"{name} (") for other in names)
            names.append(f"{name} ({alike + 1})" if alike else name)
        return names

    @property
    def asked(self) -> list[str]:
        """Return the names of the probes, the costliest first."""
        return sorted(self.probes or registry.names("probes"), key=lambda name: (name != FIRST, name))

    def plan(self) -> dict[str, Any]:
        """Return what is written down before any image is read; the key of the pseudonyms stays out."""
        told = {k: v for k, v in asdict(self).items() if k not in ("sources", "probes", "patient_key")}
        return {
            "name": " and ".join(self.names) if len(self.sources) < 3 else f"{len(self.sources)} image sets",
            "audit": {
                **told,
                "names": self.names,
                "sources": [s.as_posix() for s in self.sources],
                "probes": self.asked,
            },
        }


@dataclass(frozen=True)
class Audited:
    """What an audit ends in."""

    judgement: AuditJudgement
    text: str
    """The answer and the outcomes, for the terminal."""
    report: Path
    """The HTML report."""
    broken: tuple[Finding, ...] = ()
    """Probes that failed and were recorded as not measured."""


def audit(plan: Audit, out: Path, rules: str = "audit", report: Report = silent) -> Audited:
    """Take image sets to a sealed audit and its report; called again after a kill, carry on.

    Raises:
        InputError: a set or a setting cannot be used; what was recorded before stays.
        EvidenceError: the folder holds another run, was altered, or cannot be written.
    """
    read_rules(rules)  # wrong rules are told before any work
    record = Run.start(out, plan.plan(), provenance())
    if not record.sealed:
        started = time.monotonic()
        subject = gather(plan, record, report)
        _probe(plan, subject, record, report)
        spent = record.about["notes"].get("seconds", {}).get("audit", 0.0)
        record.note("seconds", {"audit": round(spent + time.monotonic() - started, 1)})
        record.seal()
    return conclude(out, rules)


def gather(plan: Audit, record: Run, report: Report = silent) -> Subject:
    """Import the sets, note what they hold, and return the subject of the probes."""
    sets, roots, told, reports = [], [], {}, {}
    for source, name in zip(plan.sources, plan.names, strict=True):
        images, imported, root = _bring(plan, source, name, record.work, report)
        sets.append(images)
        roots.append(root)
        told[name] = describe(images, imported)
        if imported:
            reports[name] = imported
    record.record("import", import_findings(reports))
    record.note("sets", told)
    return _subject(plan, sets, roots)


def _bring(plan: Audit, source: Path, name: str, work: Path, report: Report) -> tuple[ImageSet, Any, Path]:
    """Return one set, the report of its import, and the folder that its paths start from."""
    if ImageSet.lies_in(source):
        return replace(ImageSet.open(source), name=name), None, source
    root = source if source.is_dir() else source.parent
    folder = work / "sets" / name
    images, imported = import_images(
        source,
        folder,
        name=name,
        patient_key=plan.patient_key,
        unnamed=True,
        report=counting(lambda p: report(replace(p, task=f"import {name}")), "files"),
    )
    if not len(images):
        raise InputError(f"{source} holds no image", possible=f"See {folder / 'import.txt'}")
    return images, imported, root


def _subject(plan: Audit, sets: Sequence[ImageSet], roots: Sequence[Path]) -> Subject:
    masks: dict[str, dict[int, Path]] = {}
    first = 0
    for images, root in zip(sets, roots, strict=True):
        for kind, files in find_masks(root, images.table["source"].tolist()).items():
            masks.setdefault(kind, {}).update({first + row: path for row, path in files.items()})
        first += len(images)
    classifier = plugin("classifiers", plan.classifier, {}) if plan.classifier else None
    return Subject(tuple(sets), tuple(roots), plan.positive, masks, classifier)


def _probe(plan: Audit, subject: Subject, record: Run, report: Report) -> None:
    """Ask every probe that was not asked before, several at a time, and record the answers in their order."""
    names = [name for name in plan.asked if f"probe {name}" not in record.stages()]
    workers = min(cores(), len(names))
    if workers <= 1:
        for number, name in enumerate(names):
            inner = _task(report, name)
            inner(Progress(number, len(names), "probes"))
            _keep(record, name, answer(plan, subject, name, inner))
        return
    with processes(workers) as pool:
        try:
            waiting = {name: pool.submit(answer_alone, plan, record.path, name) for name in names}
            for done, (name, given) in enumerate(_in_order(names, waiting, report), start=1):
                _keep(record, name, given)
                report(Progress(done, len(names), "probes", name, "probes"))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _in_order(names: Sequence[str], waiting: dict[str, Future[Answer]], report: Report) -> Iterator[tuple[str, Answer]]:
    """Yield each answer when it and all before it are there; tell meanwhile what is at work."""
    for number, name in enumerate(names):
        while not waiting[name].done():
            wait(waiting.values(), timeout=2.0, return_when=FIRST_COMPLETED)
            time.sleep(0.2)  # one that is done already ends the wait at once
            ended = sum(future.done() for future in waiting.values())
            # A pool calls those running, too, that only wait at its door.
            working = ", ".join([other for other in names[number:] if waiting[other].running()][: cores()])
            report(Progress(ended, len(names), "probes", working, "probes"))
        yield name, waiting[name].result()


def _keep(record: Run, name: str, given: Answer) -> None:
    record.note("captions", {**record.about["notes"].get("captions", {}), **given.captions})
    record.record(f"probe {name}", given.findings, tables=given.tables, pictures=given.pictures)


def answer_alone(plan: Audit, out: Path, name: str) -> Answer:
    """Return one probe's answer, for a process that has nothing but the plan and the imported sets on disk."""
    sets, roots = [], []
    for source, title in zip(plan.sources, plan.names, strict=True):
        own = ImageSet.lies_in(source)
        sets.append(replace(ImageSet.open(source if own else out / "work" / "sets" / title), name=title))
        roots.append(source if source.is_dir() else source.parent)
    return answer(plan, _subject(plan, sets, roots), name)


def answer(plan: Audit, subject: Subject, name: str, report: Report = silent) -> Answer:
    """Return what a probe found, or the finding that it could not measure and why."""
    rng = np.random.default_rng(seed_of(plan.seed, "probe", name))
    try:
        probe: Probe = registry.load("probes", name)()
        # One thread, so that the numbers are the same in this process and in one of several.
        with threadpool_limits(1):
            return probe.measure(subject, rng, report)
    except RadassayError as error:
        reason = str(error)
    except Exception as error:
        # One broken probe must not take the evidence of the others with it.
        reason = f"the probe failed: {type(error).__name__}: {error}"
    return Answer([Finding(check=name, name="measured", reason=reason)])


def conclude(out: Path, rules: str = "audit") -> Audited:
    """Judge a sealed audit and draw its report and cards; nothing is measured again.

    Raises:
        RunUnfinished, RunAltered: the run is not sealed, or not as it was sealed.
        SettingsError: the rules cannot be used.
    """
    record = Run.open_sealed(out)
    findings = record.findings()
    judgement = judge_audit(findings, read_rules(rules), record.plan["audit"]["probes"])
    cards = _cards(record, judgement, out)
    page = audit_page.build(record, judgement, cards)
    write_atomic(out / "report.html", audit_render.to_html(page).encode())
    write_atomic(out / "report.json", audit_render.to_json(page).encode())
    broken = tuple(f for f in findings if f.name == "measured" and f.value is None)
    return Audited(judgement, audit_render.to_text(page), out / "report.html", broken)


def _cards(record: Run, judgement: AuditJudgement, out: Path) -> dict[str, str]:
    """Write the card of every set as HTML, JSON and Croissant; return the HTML's path below the run, by set."""
    if "card" not in record.tables():
        return {}
    drawn = {}
    for number, name in enumerate(record.plan["audit"]["names"], start=1):
        folder = Path("cards") / f"{number:02d}-{''.join(c if c.isalnum() or c in '-_' else '-' for c in name)}"
        for file, content in (
            ("card.html", card.card_html(record, name, judgement)),
            ("card.json", card.card_json(record, name, judgement)),
            ("images.csv", croissant.images_csv(record, name)),
            ("croissant.json", croissant.croissant(record, name, judgement)),
        ):
            write_atomic(out / folder / file, content.encode())
        drawn[name] = (folder / "card.html").as_posix()
    return drawn


def is_audit(folder: Path) -> bool:
    """Whether a folder holds the run of an audit."""
    try:
        return "audit" in json.loads((folder / "run.json").read_text())["plan"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _task(report: Report, name: str) -> Report:
    return lambda progress: report(replace(progress, task=progress.task or name))
