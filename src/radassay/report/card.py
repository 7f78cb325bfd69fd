"""The card of one audited set: what is known of it, what nobody can answer, what the audit found; as HTML and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from markupsafe import Markup

from radassay.errors import InputError
from radassay.evidence import wording
from radassay.evidence.outcome import AuditJudgement, Outcome
from radassay.evidence.run import Run
from radassay.report.render import environment

ANSWERS: Mapping[str, tuple[str, str]] = {
    "yes": ("✓", "met"),
    "partly": ("~", "unclear"),
    "no": ("✗", "not-met"),
    "unknown": ("?", "not-measured"),
}
"""Symbol and style of every answer: the page never relies on colour."""
RATINGS: Mapping[str, tuple[str, str]] = {
    "low concern": ("✓", "met"),
    "some concern": ("~", "unclear"),
    "high concern": ("✗", "not-met"),
    "unclear": ("?", "not-measured"),
}


@dataclass(frozen=True)
class Row:
    """One question with its answer."""

    id: str
    question: str
    essential: bool
    key: str
    """Key of `card.toml` under which a person can answer it; empty where only the images can."""
    answer: str
    evidence: str


@dataclass(frozen=True)
class Domain:
    """Questions that belong together, and the concern that follows from the worst answer."""

    name: str
    rating: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Fault:
    """A rule of the audit that this set does not meet."""

    failure: str
    part: str
    reason: str
    advice: str


@dataclass(frozen=True)
class Card:
    """Everything a card says; no drawing is in it."""

    name: str
    about: Mapping[str, str]
    """What the people behind the set say of it, by key of `card.toml`."""
    counts: Mapping[str, Any]
    """Images, patients, labels and fingerprint, as noted at import."""
    domains: tuple[Domain, ...]
    essentials: tuple[str, ...]
    """What nobody knows though every finding rests on it."""
    caution: str
    faults: tuple[Fault, ...]
    unsettled: tuple[str, ...]
    """Questions of the audit that these images could not settle or that could not be asked."""
    rules: str
    """The rules that judged; empty where nothing was judged."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return all questions in order."""
        return tuple(row for domain in self.domains for row in domain.rows)

    @property
    def unknown(self) -> tuple[Row, ...]:
        """Return the questions that nobody can answer."""
        return tuple(row for row in self.rows if row.answer == "unknown")

    @property
    def title(self) -> str:
        """Return the full name where somebody gave one, else the name."""
        return self.about.get("title", self.name)

    @property
    def summary(self) -> str:
        """Return the card in one or two sentences."""
        told = f"{len(self.unknown)} of {len(self.rows)} questions about this set cannot be answered."
        told += f" Nobody knows {_listed(self.essentials)}." if self.essentials else ""
        if self.rules:
            n = len({fault.failure for fault in self.faults})
            told += f" The audit found {n} fault{'' if n == 1 else 's'} in it."
        return told

    def answer(self, question: str) -> Row:
        """Return the row with this id."""
        return next(row for row in self.rows if row.id == question)


def read_card(run: Run, name: str, judgement: AuditJudgement | None = None) -> Card:
    """Return the card of one set from the sealed run of an audit.

    Args:
        run: the sealed run.
        name: of the set.
        judgement: what the rules say of the run; without it the card tells of no faults.

    Raises:
        InputError: the run holds no card of such a set.
    """
    table = run.table("card") if "card" in run.tables() else None
    names = [] if table is None else list(dict.fromkeys(table["set"]))
    if table is None or name not in names:
        raise InputError("The run holds no card of this set", got=name, possible=f"Sets: {', '.join(names) or 'none'}")
    counted = {f.name: f for f in run.findings() if f.check == "card" and f.slice == f"set={name}" and not f.control}
    found = counted["unknown_questions"]
    ratings = found.details["rating"]
    mine = table[table["set"] == name]
    domains = tuple(
        Domain(str(domain), ratings[domain], tuple(_row(row) for row in rows.to_dict("records")))
        for domain, rows in mine.groupby("domain", sort=False)
    )
    about = {}
    if "card_about" in run.tables():
        given = run.table("card_about")
        given = given[given["set"] == name]
        about = dict(zip(given["key"].astype(str), given["text"].astype(str), strict=True))
    counts = _counts(run, name)
    labelled = any(counts.get("labels", {"not noted": 0}))
    outcomes = [o for o in judgement.outcomes if _of(o, name, labelled)] if judgement else []
    return Card(
        name=name,
        about=about,
        counts=counts,
        domains=domains,
        essentials=tuple(counted["unknown_essentials"].details["unknown"]),
        caution=found.reason.partition("; ")[2],
        faults=tuple(Fault(o.failure, _part(o), o.reason, o.advice) for o in outcomes if o.outcome == "fails"),
        unsettled=tuple(dict.fromkeys(o.question for o in outcomes if o.outcome in ("inconclusive", "not run"))),
        rules=judgement.rules if judgement else "",
    )


def card_html(run: Run, name: str, judgement: AuditJudgement | None = None) -> str:
    """Return the card as one HTML page that loads nothing; it follows the reader's choice of light or dark."""
    card = read_card(run, name, judgement)
    return environment().get_template("card.html").render(card=card, mark_of=mark_of, ratings=RATINGS, answers=ANSWERS)


def card_json(run: Run, name: str, judgement: AuditJudgement | None = None) -> str:
    """Return the card as canonical JSON with sorted keys."""
    card = read_card(run, name, judgement)
    told = asdict(card) | {"schema": "radassay-card/1", "title": card.title, "summary": card.summary}
    told["unknown"] = {
        "count": len(card.unknown),
        "of": len(card.rows),
        "questions": [r.question for r in card.unknown],
    }
    return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def mark_of(word: str, kinds: Mapping[str, tuple[str, str]]) -> Markup:
    """Return a word with its symbol, coloured."""
    symbol, style = kinds.get(word, ("?", "not-measured"))
    return Markup('<span class="mark {}"><span aria-hidden="true">{}</span> {}</span>').format(style, symbol, word)


def _listed(items: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _row(row: Mapping[Any, Any]) -> Row:
    text = {key: str(row[key]) for key in ("id", "question", "key", "answer", "evidence")}
    return Row(essential=bool(row["essential"]), **{**text, "evidence": wording.sentence(text["evidence"])})


def _of(outcome: Outcome, name: str, labelled: bool) -> bool:
    """Whether an outcome is about this set; what is about all sets together concerns those with labels."""
    return name in outcome.sets or (outcome.slice == "all" and labelled)


def _part(outcome: Outcome) -> str:
    if outcome.slice == "all":
        return "all sets together"
    label = outcome.slice.partition(", label=")[2]
    return label or (f"with {' and '.join(outcome.sets)}" if len(outcome.sets) > 1 else "")


def _counts(run: Run, name: str) -> dict[str, Any]:
    """Return what was noted of the set at import, whatever role it is noted under."""
    noted = run.about["notes"].get("sets", {})
    sets = [of for of in noted.values() if isinstance(of, dict)] if isinstance(noted, dict) else []
    found = next((of for of in sets if of.get("name") == name), {})
    return {key: found[key] for key in ("images", "patients", "labels", "fingerprint") if key in found}
