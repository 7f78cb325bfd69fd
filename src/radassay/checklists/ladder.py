"""The claim ladder: what may be said at each rung, and the answer that the verdicts amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from radassay.checklists.rules import Rule
from radassay.evidence.verdict import Rung, Status, Verdict

NAMES = (
    "images were generated",
    "close to real images by metrics",
    "no shortcut, no memorisation and no leakage detected",
    "readers cannot tell them from real images",
    "gain on external real patients over classical methods",
    "readers' diagnosis unchanged",
    "prospective use",
)
"""What each rung claims, L0 to L6."""

CLINICAL_VALUE_FROM = 4
"""The lowest rung at which clinical value may be written."""

VALIDITY = 2
"""A failure up to this rung (a shortcut, copies, leakage) makes all other numbers worthless: it is told first."""

OPEN_FIRST: tuple[Status, ...] = ("not met", "unclear", "not measured")


def rungs(verdicts: Sequence[Verdict]) -> tuple[Rung, ...]:
    """Return the seven rungs; a rung is met only when every verdict of it is, and it has one."""
    ladder = []
    for level, name in enumerate(NAMES):
        here = tuple(v for v in verdicts if v.rung == level)
        ladder.append(Rung(level=level, name=name, status=_status(here), verdicts=here))
    return tuple(ladder)


def reached(ladder: Sequence[Rung]) -> int:
    """Return the highest rung that is met together with all below it; -1 when not even the lowest is."""
    top = -1
    for rung in ladder:
        if rung.status != "met":
            break
        top = rung.level
    return top


def answer(ladder: Sequence[Rung], rules: Mapping[str, Rule], top: int) -> str:
    """Return the answer in one sentence, with the number that decided it."""
    if top >= CLINICAL_VALUE_FROM:
        deciding = "; ".join(_number(v) for v in ladder[CLINICAL_VALUE_FROM].verdicts if v.status == "met")
        return f"Clinical value shown up to L{top} ({ladder[top].name}): {deciding}."
    stop = ladder[top + 1]
    invalid = next((r for r in ladder[stop.level + 1 : VALIDITY + 1] if r.status == "not met"), None)
    lead = invalid or stop
    sentence = f"No clinical value shown: {_failure(_open(lead), rules, lead)}"
    sentence += f", so nothing above L{lead.level - 1} can be claimed" if lead.level else ", so nothing can be claimed"
    if lead is not stop:
        sentence += f"; nor is L{stop.level} reached, since {_failure(_open(stop), rules, stop)}"
    return sentence + "."


def next_step(ladder: Sequence[Rung], rules: Mapping[str, Rule], top: int) -> str:
    """Return what the next rung needs, from the advice of every rule that is open there."""
    if top + 1 >= len(ladder):
        return "There is no higher rung."
    stop = ladder[top + 1]
    open_rules = [v for status in OPEN_FIRST for v in stop.verdicts if v.status == status]
    if not open_rules:
        return f"L{stop.level} ({stop.name}) has no rule in this rule file, so it cannot be judged."
    advice = list(dict.fromkeys(rules[v.rule].advice.strip().rstrip(".") for v in open_rules))
    return f"L{stop.level} ({stop.name}) needs: " + "; ".join(advice) + "."


def _status(verdicts: Sequence[Verdict]) -> Status:
    judged = [v.status for v in verdicts if v.status != "not applicable"]
    for status in OPEN_FIRST:
        if status in judged:
            return status
    if judged:
        return "met"
    return "not applicable" if verdicts else "not measured"


def _open(rung: Rung) -> Verdict | None:
    """Return the verdict that speaks for an open rung: the first failed one, else the first unclear one, ..."""
    for status in OPEN_FIRST:
        for verdict in rung.verdicts:
            if verdict.status == status:
                return verdict
    return None


def _failure(verdict: Verdict | None, rules: Mapping[str, Rule], rung: Rung) -> str:
    if verdict is None:
        return f"nothing says whether L{rung.level} ({rung.name}) holds"
    failure = rules[verdict.rule].failure.strip().rstrip(".")
    if verdict.status == "not met":
        return f"{failure} ({_number(verdict)})"
    if verdict.status == "unclear":
        return f"it stays unclear whether {failure} ({verdict.reason.rstrip('.')})"
    return f"it was not measured whether {failure}"


def _number(verdict: Verdict) -> str:
    """Return the number with its interval: what stands before the threshold in the verdict's reason."""
    number = verdict.reason.rstrip(".").split("; ")[0]
    return number[:1].lower() + number[1:] if number[1:2].islower() else number
