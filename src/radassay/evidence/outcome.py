"""What the rules of an audit say of image sets: one outcome a rule and part of the images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Word = Literal["fails", "inconclusive", "not run", "passes"]
"""`passes`: inside a bound set before; a large p is no pass. `inconclusive`: the images could not settle it."""

WORST_FIRST: tuple[Word, ...] = ("fails", "inconclusive", "not run", "passes")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One rule on one part of the images."""

    rule: str
    """Id of the rule, such as `border-shortcut`."""
    question: str
    slice: str
    """The part of the images, such as `set=cohen-cxr`; `all` for all sets together."""
    outcome: Word
    reason: str
    """The number, its interval and the bound, in one sentence."""
    probe: str
    """Name of the probe that measured."""
    failure: str
    """What is the case when the rule fails, a clause."""
    advice: str
    findings: tuple[str, ...] = ()
    """Ids of the findings that were judged."""

    @property
    def sets(self) -> tuple[str, ...]:
        """Return the names of the sets it is about; empty for all."""
        return sets_of(self.slice)


@dataclass(frozen=True, kw_only=True)
class AuditJudgement:
    """All outcomes of an audit by one set of rules."""

    rules: str
    """Name, version and SHA-256 of the rule file."""
    outcomes: tuple[Outcome, ...]
    """In the order of the rules: the gravest first."""
    answer: str
    """The answer in one or two sentences, for a reader who stops there."""

    def count(self, word: Word) -> int:
        """Return how many rules have this as their worst outcome."""
        return list(self.worst().values()).count(word)

    def worst(self) -> dict[str, Word]:
        """Return the worst outcome of every rule, by its id."""
        found: dict[str, Word] = {}
        for outcome in self.outcomes:
            words = [outcome.outcome, *([found[outcome.rule]] if outcome.rule in found else [])]
            found[outcome.rule] = min(words, key=WORST_FIRST.index)
        return found


def sets_of(part: str) -> tuple[str, ...]:
    """Return the sets that a slice names: `set=A, label=B` gives A, `sets=A+B` gives A and B, `all` none."""
    for item in part.split(", "):
        key, _, value = item.partition("=")
        if key == "set":
            return (value,)
        if key == "sets":
            return tuple(value.split("+"))
    return ()
