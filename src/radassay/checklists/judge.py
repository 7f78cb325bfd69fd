"""The judge: findings and rules in, verdicts and the rung of the claim ladder out; nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from radassay.checklists.ladder import answer, next_step, reached, rungs
from radassay.checklists.rules import EVERY, Number, OfFloor, OfPlanted, Rule, RuleSet, Within
from radassay.evidence import wording
from radassay.evidence.curve import curves
from radassay.evidence.finding import Finding
from radassay.evidence.verdict import Judgement, Status, Verdict

WORST_FIRST: tuple[Status, ...] = ("not met", "unclear", "not measured", "met", "not applicable")


@dataclass(frozen=True)
class Judged:
    """A status with its reason, before it is a verdict."""

    status: Status
    reason: str
    used: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Bound:
    """A threshold resolved to a number on these images, or the reason why it cannot be."""

    value: float | None
    words: str
    """The threshold in words, or why there is none."""
    used: tuple[Finding, ...] = ()
    blind: bool = False
    """Whether the measure was shown not to see what the threshold is made of."""


def judge(findings: Sequence[Finding], rules: RuleSet) -> Judgement:
    """Return the verdict of every rule and the rung that follows.

    Pure: the same findings and rules give the same judgement. Every rule is judged on the confidence limit: `met`
    when the whole interval is on the right side of the threshold, `not met` when all of it is on the wrong side,
    `unclear` in between; a finding that is absent or has no value is `not measured`. Where several findings answer
    one rule, the worst status stands, but a verdict that a second encoder turns round is `unclear`. A pass that
    depends on a check's sensitivity becomes `unclear` where the limit of detection is too high, and `not measured`
    where nobody planted the defect.

    Args:
        findings: everything a run holds, in the order it was recorded.
        rules: the rules, from `read_rules`.
    """
    verdicts = [_verdict(rule, findings) for rule in rules.rules]
    ladder = rungs(verdicts)
    top = reached(ladder)
    by_id = {rule.id: rule for rule in rules.rules}
    return Judgement(
        rules=rules.title,
        rungs=ladder,
        reached=top,
        answer=answer(ladder, by_id, top),
        next_step=next_step(ladder, by_id, top),
    )


def _verdict(rule: Rule, findings: Sequence[Finding]) -> Verdict:
    found = [f for f in findings if f.key == rule.finding and f.role == "measurement"]
    asked = [f for f in found if rule.slice in (EVERY, f.slice)]
    if asked:
        judged = min((judge_finding(rule, f, findings) for f in asked), key=lambda j: WORST_FIRST.index(j.status))
        if rule.slice == "all":
            seconds = [f for f in found if f.slice.startswith(wording.BY_ENCODER)]
            judged = _by_every_encoder(rule, judged, seconds, findings)
    else:
        where = "" if rule.slice == "all" else f" for {rule.slice}"
        judged = Judged("not measured", f"Nobody has measured this ({rule.finding}{where})")
    return Verdict(
        rule=rule.id,
        question=rule.question,
        rung=rule.rung,
        status=judged.status,
        reason=wording.sentence(judged.reason),
        findings=tuple(dict.fromkeys(f.id for f in judged.used)),
    )


def _by_every_encoder(rule: Rule, judged: Judged, others: Sequence[Finding], findings: Sequence[Finding]) -> Judged:
    """Call a verdict unclear that another encoder turns round: it is about the encoder, not about the images."""
    for finding in others:
        other = judge_finding(rule, finding, findings)
        if {judged.status, other.status} == {"met", "not met"}:
            name = finding.slice.removeprefix(wording.BY_ENCODER)
            reason = f"{judged.reason}; but with the encoder {name} it is {other.status}: {other.reason}"
            return Judged("unclear", reason, (*judged.used, *other.used))
    return judged


def judge_finding(rule: Rule, finding: Finding, findings: Sequence[Finding]) -> Judged:
    """Return what a rule says of one finding, given its controls among all findings."""
    if finding.value is None:
        return Judged("not measured", f"{wording.label(finding.name)}: {finding.reason}", (finding,))
    found = wording.with_interval(finding)
    if rule.compare == "measured":
        return Judged("met", f"{found}: measured", (finding,))
    if rule.compare in ("value at most", "value at least"):
        judged = _counted(rule, finding)
    elif rule.compare == "interval within":
        judged = _within(rule, finding)
    else:
        judged = _limited(rule, finding, findings)
    if judged.status == "met" and rule.sensitivity is not None:
        return _sensitive(rule, judged, finding, findings)
    return judged


def _counted(rule: Rule, finding: Finding) -> Judged:
    """Judge a count of things that are there, which has no sampling error."""
    assert isinstance(rule.threshold, Number)
    assert finding.value is not None
    limit, how = rule.threshold.value, wording.kind(finding)
    most = rule.compare == "value at most"
    good = finding.value <= limit if most else finding.value >= limit
    words = f"{'at most' if most else 'at least'} {wording.number(limit, how)} {'allowed' if most else 'needed'}"
    return Judged("met" if good else "not met", f"{wording.with_interval(finding)}; {words}", (finding,))


def _within(rule: Rule, finding: Finding) -> Judged:
    """Judge equivalence: the whole interval inside two bounds (two one-sided tests)."""
    assert isinstance(rule.threshold, Within)
    found, how = wording.with_interval(finding), wording.kind(finding)
    low, high = rule.threshold.low, rule.threshold.high
    words = f"the interval must lie within {wording.number(low, how)} to {wording.number(high, how)}"
    if finding.low is None or finding.high is None:
        return Judged("unclear", f"{found} has no interval to judge; {words}", (finding,))
    inside = low < finding.low and finding.high < high
    outside = finding.high <= low or finding.low >= high
    return Judged("met" if inside else "not met" if outside else "unclear", f"{found}; {words}", (finding,))


def _limited(rule: Rule, finding: Finding, findings: Sequence[Finding]) -> Judged:
    """Judge a confidence limit against a threshold."""
    found = wording.with_interval(finding)
    bound = _bound(rule, finding, findings)
    used = (finding, *bound.used)
    if bound.value is None:
        status: Status = "unclear" if bound.blind else "not measured"
        return Judged(status, f"{found}; there is nothing to hold it against: {bound.words}", used)
    upper = rule.compare == "upper limit below"
    words = f"the {'upper' if upper else 'lower'} limit must be {'below' if upper else 'above'} {bound.words}"
    if finding.low is None or finding.high is None:
        why = f" ({finding.reason})" if finding.reason else ""
        return Judged("unclear", f"{found} has no interval to judge{why}; {words}", used)
    if upper:
        status = "met" if finding.high < bound.value else "not met" if finding.low >= bound.value else "unclear"
    else:
        status = "met" if finding.low > bound.value else "not met" if finding.high <= bound.value else "unclear"
    return Judged(status, f"{found}; {words}", used)


def _bound(rule: Rule, finding: Finding, findings: Sequence[Finding]) -> Bound:
    """Resolve the rule's threshold to a number on these images."""
    how, threshold = wording.kind(finding), rule.threshold
    if isinstance(threshold, Number):
        return Bound(threshold.value, wording.number(threshold.value, how))
    upper = rule.compare == "upper limit below"
    floor = next((f for f in findings if _same(f, finding) and f.role == "floor" and f.low is not None), None)
    if floor is None or floor.low is None or floor.high is None:
        return Bound(None, "the real-against-real floor is not known")
    end = floor.high if upper else floor.low
    if isinstance(threshold, OfFloor):
        value = end * threshold.times + threshold.plus
        return Bound(value, f"{wording.number(value, how)}, made from real against real images", (floor,))
    assert isinstance(threshold, OfPlanted)
    return _planted_bound(threshold, finding, findings, end, upper, floor)


def _planted_bound(
    threshold: OfPlanted, finding: Finding, findings: Sequence[Finding], end: float, upper: bool, floor: Finding
) -> Bound:
    """Return what the planted dose reads on this measure, provided that it stands out from the floor at all."""
    control = wording.control(threshold.control)
    curve = next((c for c in curves(findings, finding.key, finding.slice) if c.control == threshold.control), None)
    value = curve.value_at(threshold.dose) if curve else None
    if value is None:
        return Bound(None, f"no {control} was planted at a dose of {wording.dose(threshold.dose)}", (floor,))
    planted = tuple(
        f for f in findings if _same(f, finding) and f.role == "planted" and f.control == threshold.control and f.value
    )
    unit = next((str(f.details["dose_unit"]) for f in planted if "dose_unit" in f.details), "")
    dose = wording.dose(threshold.dose, unit)
    if (value <= end) if upper else (value >= end):
        words = f"planted {control} ({dose}) itself cannot be told from real images by this measure"
        return Bound(None, words, (floor, *planted), blind=True)
    words = f"{wording.number(value, wording.kind(finding))}, what planted {control} ({dose}) reads on these images"
    return Bound(value, words, (floor, *planted))


def _sensitive(rule: Rule, judged: Judged, finding: Finding, findings: Sequence[Finding]) -> Judged:
    """Let a pass stand only where the check was shown to see a small enough dose of the defect."""
    assert rule.sensitivity is not None
    control = wording.control(rule.sensitivity.control)
    limits = [f for f in findings if _same(f, finding) and f.role == "limit" and f.control == rule.sensitivity.control]
    if not limits:
        reason = f"{judged.reason}; but no {control} was planted, so what the check could have missed is not known"
        return replace(judged, status="not measured", reason=reason)
    limit = limits[0]
    used = (*judged.used, limit)
    needed = wording.dose(rule.sensitivity.at_most, limit.unit)
    if limit.value is None:
        reason = f"{judged.reason}; but the check did not see {control} at any dose planted ({limit.reason})"
        return Judged("unclear", reason, used)
    seen = wording.dose(limit.value, limit.unit)
    if limit.value > rule.sensitivity.at_most:
        reason = f"{judged.reason}; but the check could not have seen {control} below {seen} (needed: {needed})"
        return Judged("unclear", reason, used)
    return Judged("met", f"{judged.reason}; {control} would have been seen from {seen}", used)


def _same(control: Finding, finding: Finding) -> bool:
    return control.key == finding.key and control.slice == finding.slice
