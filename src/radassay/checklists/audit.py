"""The judge of an audit: findings and rules in, an outcome for every rule and part of the images out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from radassay.checklists.judge import judge_finding
from radassay.checklists.rules import EVERY, Rule, RuleSet
from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.evidence.outcome import WORST_FIRST, AuditJudgement, Outcome, Word
from radassay.evidence.verdict import Status

WORDS: dict[Status, Word] = {
    "met": "passes",
    "not met": "fails",
    "unclear": "inconclusive",
    "not measured": "not run",
    "not applicable": "not run",
}
TOLD = 3
"""Faults that the answer names; the report lists all."""


def judge_audit(findings: Sequence[Finding], rules: RuleSet, probes: Collection[str] | None = None) -> AuditJudgement:
    """Return an outcome for every rule on every finding it asks for.

    Pure: the same findings and rules give the same judgement. A rule whose slice is `*` is judged on each part of the
    images for itself; one that nobody measured anything for is `not run`.

    Args:
        findings: everything the run holds.
        rules: the rules, from `read_rules`.
        probes: names of the probes that were asked, whose rules alone are judged; None judges all.
    """
    asked = [r for r in rules.rules if probes is None or r.finding.split(".")[0] in probes]
    outcomes = tuple(outcome for rule in asked for outcome in _outcomes(rule, findings))
    return AuditJudgement(rules=rules.title, outcomes=outcomes, answer=_answer(outcomes))


def _outcomes(rule: Rule, findings: Sequence[Finding]) -> list[Outcome]:
    asked = [f for f in findings if f.key == rule.finding and f.role == "measurement"]
    found = [f for f in asked if rule.slice in (EVERY, f.slice)]
    if not found:
        probe = rule.finding.split(".")[0]
        broken = next((f.reason for f in findings if f.key == f"{probe}.measured" and f.value is None), "")
        part = "all" if rule.slice == EVERY else rule.slice
        return [_outcome(rule, part, "not run", broken or f"Nobody has measured this ({rule.finding})", ())]
    outcomes = []
    for finding in found:
        judged = judge_finding(rule, finding, findings)
        ids = tuple(dict.fromkeys(f.id for f in judged.used))
        outcomes.append(_outcome(rule, finding.slice, WORDS[judged.status], judged.reason, ids))
    return outcomes


def _outcome(rule: Rule, part: str, word: Word, reason: str, ids: tuple[str, ...]) -> Outcome:
    return Outcome(
        rule=rule.id,
        question=rule.question,
        slice=part,
        outcome=word,
        reason=wording.sentence(reason),
        probe=rule.finding.split(".")[0],
        failure=rule.failure,
        advice=rule.advice,
        findings=ids,
    )


def _answer(outcomes: Sequence[Outcome]) -> str:
    """Return what a reader must know: the gravest faults with the sets that have them, and what stayed open."""
    rules = list(dict.fromkeys(o.rule for o in outcomes))
    worst = {r: min((o.outcome for o in outcomes if o.rule == r), key=WORST_FIRST.index) for r in rules}
    by_word = {word: [r for r in rules if worst[r] == word] for word in WORST_FIRST}
    failed, passed = by_word["fails"], len(by_word["passes"])
    rest = _open(len(by_word["inconclusive"]), len(by_word["not run"]))
    if not failed:
        found = f"Of what was looked for, nothing was found wrong in {_counted(passed, 'question')}."
        return (found if passed else "Nothing could be settled.") + rest
    told = "; ".join(_fault(rule, outcomes) for rule in failed[:TOLD])
    more = len(failed) - TOLD
    told += f"; and {_counted(more, 'more fault')}" if more > 0 else ""
    return f"{_counted(len(failed), 'fault')} found: {told}.{rest}"


def _open(inconclusive: int, not_run: int) -> str:
    """Return what stayed open, which no reader may take for passed."""
    settled = f" {_counted(inconclusive, 'question')} could not be settled with these images." if inconclusive else ""
    return settled + (f" {_counted(not_run, 'question')} could not be asked of them." if not_run else "")


def _fault(rule: str, outcomes: Sequence[Outcome]) -> str:
    failing = [o for o in outcomes if o.rule == rule and o.outcome == "fails"]
    names = list(dict.fromkeys(name for o in failing for name in o.sets))
    return failing[0].failure + (f" ({', '.join(names)})" if names else "")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
