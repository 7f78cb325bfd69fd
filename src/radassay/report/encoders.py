"""What two encoders say of the same images: whether a number is about the images or about the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from radassay.evidence import wording
from radassay.evidence.finding import Finding

Told = Literal["beyond real against real", "within real against real", ""]


@dataclass(frozen=True)
class Seen:
    """One measure by both encoders."""

    check: str
    measure: str
    first: str
    """Value, and its interval in brackets."""
    first_told: Told
    """Where its interval lies by the floor of the same encoder; empty where either is not known."""
    second: str
    second_told: Told
    agreement: Literal["agree", "differ", "not known"]


@dataclass(frozen=True)
class Encoders:
    """Every measure that depends on the encoder, as two encoders see it."""

    first: str
    second: str
    rows: tuple[Seen, ...]

    @property
    def agreeing(self) -> int:
        """Return in how many measures they agree."""
        return sum(row.agreement == "agree" for row in self.rows)

    @property
    def known(self) -> int:
        """Return for how many measures that can be said."""
        return sum(row.agreement != "not known" for row in self.rows)


def encoders(findings: Sequence[Finding]) -> Encoders | None:
    """Return the comparison, or None where one encoder alone has looked."""
    measured = {(f.key, f.slice): f for f in findings if f.role == "measurement" and f.value is not None}
    seconds = [f for (_, part), f in measured.items() if part.startswith(wording.BY_ENCODER)]
    pairs = [(measured[f.key, "all"], f) for f in seconds if (f.key, "all") in measured]
    if not pairs:
        return None
    names = next((str(f.details["encoder"]).split()[0] for f, _ in pairs if f.details.get("encoder")), "first")
    rows = []
    for one, other in pairs:
        told = [_told(f, findings) for f in (one, other)]
        agreement: Literal["agree", "differ", "not known"] = "agree" if told[0] == told[1] else "differ"
        rows.append(
            Seen(
                one.check,
                wording.label(one.name),
                _number(one),
                told[0],
                _number(other),
                told[1],
                agreement if all(told) else "not known",
            )
        )
    rows.sort(key=lambda row: ("differ", "agree", "not known").index(row.agreement))
    return Encoders(names, pairs[0][1].slice.removeprefix(wording.BY_ENCODER), tuple(rows))


def _number(finding: Finding) -> str:
    assert finding.value is not None
    number, span = wording.number(finding.value, wording.kind(finding)), wording.interval(finding)
    return f"{number} ({span})" if span else number


def _told(finding: Finding, findings: Sequence[Finding]) -> Told:
    """Return whether the whole interval of a measurement lies on the bad side of its floor."""
    floors = (f for f in findings if f.role == "floor" and f.key == finding.key and f.slice == finding.slice)
    floor = next(floors, None)
    if floor is None or floor.low is None or floor.high is None or finding.low is None or finding.high is None:
        return ""
    beyond = {
        "higher is better": finding.high < floor.low,
        "lower is better": finding.low > floor.high,
    }.get(finding.direction, finding.high < floor.low or finding.low > floor.high)
    return "beyond real against real" if beyond else "within real against real"
