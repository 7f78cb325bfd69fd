"""From answers and the opened key to findings, and their record in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radassay.evidence.finding import Finding
from radassay.evidence.provenance import provenance
from radassay.evidence.run import Run
from radassay.reading.answers import Read, cautions, unblinded
from radassay.reading.clicks import places
from radassay.reading.found import finding, of
from radassay.reading.key import REAL, SYNTHETIC, Key
from radassay.reading.others import choice, diagnosis, plausibility
from radassay.reading.pace import times
from radassay.reading.plan import ReadingPlan
from radassay.reading.realness import realness
from radassay.stats.proportion import share


@dataclass(frozen=True)
class Analysed:
    """What a reader study found."""

    findings: list[Finding]
    answers: pd.DataFrame
    """A row a reader and item, unblinded; readers by code."""
    places: pd.DataFrame
    """A row a reader, item and structure of question D."""

    @property
    def statement(self) -> str:
        """Return the sentence on whether real and synthetic can be told apart, or why there is none."""
        found = next((f for f in self.findings if f.name == "auc_readers"), None)
        return str(found.details.get("statement", found.reason)) if found else ""


def analyse(plan: ReadingPlan, key: Key, answers: pd.DataFrame) -> Analysed:
    """Return all findings; the same plan, key and answers give the same.

    Training items and catch trials count in no result but their own; of a case that came again only the first
    reading counts.

    Args:
        plan: the plan that the study was made from.
        key: from `open_key`.
        answers: from `read_answers`, or a table of the same columns.

    Raises:
        InputError: an answer that the key does not know, or that cannot be read.
    """
    table = unblinded(answers, key)
    rng = np.random.default_rng(plan.seed)
    by_question = {question: Read.of(table, key, question) for question in plan.ordered}
    findings = [_readers(by_question, plan)]
    for question, read in by_question.items():
        if question == "realness":
            findings += realness(read, plan, rng)
        else:
            findings += {"choice": choice, "diagnosis": diagnosis, "plausibility": plausibility}[question](read, plan)
        findings += _cannot(read, question)
        findings += times(read, question)
    return Analysed(findings, table, places(table))


def _readers(by_question: dict[str, Read], plan: ReadingPlan) -> Finding:
    """Return how many readers count in every question."""
    count = min(len(read.readers) for read in by_question.values())
    details = {
        "planned": plan.readers,
        "by_question": {question: len(read.readers) for question, read in by_question.items()},
        "left_out": {question: list(read.left_out) for question, read in by_question.items() if read.left_out},
    }
    fields = {"unit": "readers", "method": "count of readers who answered enough of every question, exact"}
    return finding("n_readers", value=float(count), reason=cautions(plan, count), details=details, **fields)


def _cannot(read: Read, question: str) -> list[Finding]:
    """Return by arm how often readers could not judge: much more in one arm is a difference of its own."""
    findings = []
    for arm in ("both",) if question == "choice" else (REAL, SYNTHETIC):
        rows = read.rows[(read.rows["role"] == "case") & (read.rows["arm"] == arm)]
        if len(rows):
            found = share(rows["cannot_judge"].to_numpy(dtype=bool), rows["patient"].to_numpy(dtype=str))
            part = {"unit": "share", "slice": f"question={question}, arm={arm}"}
            findings.append(of("cannot_judge", found, n_images=int(rows["item"].nunique()), **part))
    return findings


def record(
    out: Path,
    plan: ReadingPlan,
    analysed: Analysed,
    *,
    served: str,
    answers: str,
    before: Sequence[Finding] = (),
    notes: dict[str, Any] | None = None,
) -> Run:
    """Write the findings and tables of a reader study as a sealed run, which rules can judge.

    Args:
        out: folder of the run.
        plan: the plan.
        analysed: from `analyse`.
        served: SHA-256 of the `study.json` that was served.
        answers: SHA-256 of the answers.
        before: findings from before the first reading: leak test and power.
        notes: facts that are no findings, such as who unblinded the study and when.

    Raises:
        SettingsError, StorageError: see `Run.start`.
    """
    content = {
        "name": plan.title,
        "question": "Can radiologists tell synthetic from real images, and do they judge them alike?",
        "reading": {**asdict(plan), "hash": plan.hash, "served": served, "answers": answers},
    }
    run = Run.start(out, content, provenance())
    if run.sealed:
        return run
    tables = {"answers": analysed.answers}
    if len(analysed.places):
        tables["places"] = analysed.places
    run.record("before reading", before)
    run.record("reading", analysed.findings, tables)
    for name, value in (notes or {}).items():
        run.note(name, value)
    run.seal()
    return run
