"""The data set card: what is known of each set, and what nobody can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from radassay.contracts.probe import Answer, Subject
from radassay.contracts.progress import Report, silent
from radassay.evidence.finding import Finding
from radassay.probes.cards.questions import DOMAINS, QUESTIONS, Known, Reply
from radassay.probes.cards.told import KEYS, Told

ESSENTIAL: Mapping[str, tuple[str, ...]] = {
    "where the images come from": ("origin",),
    "which images are of one patient": ("patients",),
    "how the labels were given": ("labelled_by", "labelled_how"),
}
"""What must be known for any finding to mean much; of several questions one must have an answer."""
KEY_OF = {"native": "processing", "apart": "overlaps"}
"""Keys of `card.toml` that answer a question of another name."""
OLDEST = 90
"""Years; older ages are not told apart (HIPAA, 45 CFR 164.514(b)(2))."""


@dataclass(frozen=True)
class Card:
    """Answer a short form of what PROBAST asks of participants and outcomes, set by set, and count what is unknown.

    What tables and pixels tell is filled in; what only a person knows comes from `card.toml` in the folder of the set
    and is unknown without it. Sources: Wolff et al., Ann Intern Med 2019;170:51 (paraphrased); Garcia Santa Cruz et
    al., Med Image Anal 2021;74:102225 (of over 100 COVID-19 sets 9 could be assessed).
    """

    name: ClassVar[str] = "card"
    question: ClassVar[str] = "What is known of each set: origin, patients, labels, acquisition, splits, rights?"

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer:
        """Return two counts a set and tables of answers, of what `card.toml` says, and of the images."""
        ids = {images.name: frozenset(images.table["image"]) for images in subject.sets}
        findings: list[Finding] = []
        rows: list[dict[str, object]] = []
        about: list[dict[str, str]] = []
        for images, root in zip(subject.sets, subject.roots, strict=True):
            told = Told.of(root)
            known = Known(images, told, {name: other for name, other in ids.items() if name != images.name})
            replies = {question.id: question.reply(known) for question in QUESTIONS}
            findings += _findings(known, replies)
            rows += _rows(images.name, replies)
            about += [{"set": images.name, "key": key, "text": text} for key, text in told.card.items()]
        tables = {"card": pd.DataFrame(rows), "card_images": _images(subject)}
        if about:
            tables["card_about"] = pd.DataFrame(about)
        return Answer(findings, tables)


def rating(answers: Sequence[str]) -> str:
    """Return the concern about a domain in words: its worst answer decides, as in PROBAST."""
    for answer, words in (("no", "high concern"), ("unknown", "unclear"), ("partly", "some concern")):
        if answer in answers:
            return words
    return "low concern"


def _findings(known: Known, replies: Mapping[str, Reply]) -> list[Finding]:
    answers = {name: reply.answer for name, reply in replies.items()}
    domains = {d: rating([answers[q.id] for q in QUESTIONS if q.domain == d]) for d in DOMAINS}
    unknown = [q.text for q in QUESTIONS if answers[q.id] == "unknown"]
    missing = [what for what, ids in ESSENTIAL.items() if all(answers[i] in ("unknown", "no") for i in ids)]
    base = Finding(
        check="card",
        name="unknown_questions",
        value=float(len(unknown)),
        slice=f"set={known.images.name}",
        reason="; ".join(filter(None, (f"counted, out of {len(QUESTIONS)} questions", known.told.problem))),
        n_images=len(known.images),
        unit="questions",
        direction="lower is better",
        details={"questions": len(QUESTIONS), "rating": domains, "unknown": unknown},
    )
    told = f"nobody knows {', '.join(missing)}" if missing else f"known: {', '.join(ESSENTIAL)}"
    essentials = replace(
        base,
        name="unknown_essentials",
        value=float(len(missing)),
        reason=told,
        details={"essentials": list(ESSENTIAL), "unknown": missing},
    )
    limit: dict[str, Any] = {"role": "limit", "control": "true effect", "value": 1.0, "reason": "", "details": {}}
    return [base, essentials, replace(essentials, method="counted: one is always seen", **limit)]


def _rows(name: str, replies: Mapping[str, Reply]) -> list[dict[str, object]]:
    essential = {question for ids in ESSENTIAL.values() for question in ids}
    return [
        {
            "set": name,
            "domain": q.domain,
            "id": q.id,
            "question": q.text,
            "essential": q.id in essential,
            "key": KEY_OF.get(q.id, q.id if q.id in KEYS else ""),
            "answer": replies[q.id].answer,
            "evidence": replies[q.id].evidence,
        }
        for q in QUESTIONS
    ]


def _images(subject: Subject) -> pd.DataFrame:
    """Return what a card tells of each image: no patient, no path of this machine, no age above 90."""
    table = subject.table
    columns = ["set", "source", "label", "split", "view", "modality", "sex"]
    return table[columns].assign(age=table["age_years"].clip(upper=OLDEST).round())
