"""What readers who try to tell two kinds of image apart have shown, against a margin fixed before."""

from __future__ import annotations

from enum import StrEnum

from scipy.stats import t as student

LEVEL = 0.90
"""Of the interval that must lie within the margin: two one-sided tests at 5 % each."""


class Told(StrEnum):
    """The four things that can be said; that nothing was found is none of them."""

    CANNOT = "cannot be told apart within the margin"
    BARELY = "told apart, by less than the margin"
    CAN = "told apart"
    UNCLEAR = "unclear"


def told(within: tuple[float, float], around: tuple[float, float], margin: float, chance: float = 0.5) -> Told:
    """Return what an estimate says of chance, by two intervals of it.

    `CANNOT`: the 90 % interval lies inside chance ± margin, which is two one-sided tests at 5 % (Schuirmann, J
    Pharmacokinet Biopharm 1987;15:657), and the 95 % interval holds chance. `BARELY`: inside as well, yet chance is
    ruled out. `CAN`: chance is ruled out and the margin may be passed, in either direction: readers who are wrong
    more often than not do see a difference. `UNCLEAR`: none of these; a difference that is not significant is never
    said to be none.

    Args:
        within: limits at 90 %, held against the margin.
        around: limits at 95 %, held against chance.
        margin: the largest distance from chance that does not matter, fixed before the first reading; above 0.
        chance: the value of guessing: 0.5 of an area or of two alternatives, 1/M of M alternatives.

    Raises:
        ValueError: the margin is not above zero.
    """
    if margin <= 0:
        raise ValueError(f"a margin of equivalence is above zero; got {margin:g}")
    inside = chance - margin < within[0] and within[1] < chance + margin
    ruled_out = around[0] > chance or around[1] < chance
    if inside:
        return Told.BARELY if ruled_out else Told.CANNOT
    return Told.CAN if ruled_out else Told.UNCLEAR


def two_one_sided(value: float, error: float, freedom: float, margin: float, chance: float = 0.5) -> float:
    """Return the p-value of the two one-sided tests, the larger of both: below 0.05 shows |value - chance| < margin.

    Args:
        value: the estimate.
        error: its standard error, above 0.
        freedom: degrees of freedom of Student's t; infinite for a normal.
        margin: see `told`.
        chance: see `told`.

    Raises:
        ValueError: the margin or the error is not above zero.
    """
    if margin <= 0 or error <= 0:
        raise ValueError(f"margin and standard error are above zero; got {margin:g} and {error:g}")
    upper = student.cdf((value - chance - margin) / error, freedom)
    lower = student.sf((value - chance + margin) / error, freedom)
    return float(max(upper, lower))


def statement(
    within: tuple[float, float],
    around: tuple[float, float],
    margin: float,
    readers: int,
    *,
    chance: float = 0.5,
    measure: str = "AUC",
    pilot_below: int = 6,
) -> str:
    """Return the sentence for the report; with few readers it says that the study is a pilot."""
    found = told(within, around, margin, chance)
    edges = f"{chance - margin:.2f} to {chance + margin:.2f}"
    tail = {
        Told.CANNOT: f"any difference readers like these see lies within {edges}",
        Told.BARELY: f"readers do better or worse than chance, but within {edges}",
        Told.CAN: f"chance ({chance:.2f}) is ruled out",
        Told.UNCLEAR: f"neither a difference nor its absence within {edges} is shown",
    }[found]
    span = f"{measure}, 90 % interval {within[0]:.3f} to {within[1]:.3f}"
    pilot = f" A pilot: {readers} readers, where {pilot_below} are needed." if readers < pilot_below else ""
    return f"Real and synthetic: {found} ({span}): {tail}.{pilot}"
