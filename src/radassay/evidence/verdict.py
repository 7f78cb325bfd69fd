"""What a rule says of the findings, and the rung of the claim ladder that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["met", "not met", "unclear", "not measured", "not applicable"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One rule, judged."""

    rule: str
    """Id of the rule, such as `no-border-shortcut`."""
    question: str
    """What the rule asks, as a person would."""
    rung: int
    """The rung of the claim ladder (0 to 6) that needs this rule."""
    status: Status
    reason: str
    """The number, its interval and the threshold, in one sentence."""
    findings: tuple[str, ...] = ()
    """Ids of the findings that were judged."""
    by: str = "rule"
    """`rule`, or the name of the person who overrode it."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One rung of the claim ladder, judged."""

    level: int
    name: str
    """Such as `no shortcut and no memorisation detected`."""
    status: Status
    """`met` only when every verdict of this rung is met."""
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All verdicts of one run by one set of rules."""

    rules: str
    """Name and SHA-256 of the rule file."""
    rungs: tuple[Rung, ...]
    reached: int
    """Highest rung met with all rungs below it met; -1 when not even images were there."""
    answer: str
    """The answer in one sentence, for a reader who stops there."""
    next_step: str
    """What the next rung needs."""
