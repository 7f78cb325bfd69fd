"""What an interval of a difference says about harm, against a margin fixed before."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The three things that can be said; equality is none of them."""

    NO_HARM = "no harm shown within the margin"
    HARM = "harm"
    UNCLEAR = "unclear"


def outcome(low: float | None, high: float | None, margin: float) -> Outcome:
    """Return what the interval of arm minus control says, where higher is better.

    `NO_HARM`: every value in the interval is above -margin, which is the test of non-inferiority (Piaggio et al.,
    JAMA 2012;308:2594). `HARM`: every value is below zero, be the loss larger than the margin or not; an interval
    between -margin and zero is harm too, since a loss is shown. `UNCLEAR`: neither; so is no interval. A difference
    that is not significant is never said to be none.

    Args:
        low: lower limit; None where there is none.
        high: upper limit.
        margin: the largest loss that counts as no harm, fixed before the data were seen; 0 or more.

    Raises:
        ValueError: the margin is negative.
    """
    if margin < 0:
        raise ValueError("a margin of harm is not negative")
    if high is not None and high < 0:
        return Outcome.HARM
    if low is not None and low > -margin:
        return Outcome.NO_HARM
    return Outcome.UNCLEAR


def statement(arm: str, against: str, limits: tuple[float, float] | None, margin: float, unit: str = "AUC") -> str:
    """Return the sentence for the report."""
    low, high = limits or (None, None)
    found = outcome(low, high, margin)
    span = "without an interval" if limits is None else f"interval {limits[0]:+.3f} to {limits[1]:+.3f} {unit}"
    tail = {
        Outcome.NO_HARM: f"a loss of {margin:g} or more is ruled out",
        Outcome.HARM: "it is worse",
        Outcome.UNCLEAR: f"neither harm nor its absence within {margin:g} is shown",
    }[found]
    return f"{arm} against {against}: {found} ({span}): {tail}."
