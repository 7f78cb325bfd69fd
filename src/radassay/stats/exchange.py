"""The exchange rate: how many more real patients would have bought what the synthetic images bought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.stats.contributions import contributions
from radassay.stats.learning_curve import Fit, power_law

Floats = NDArray[np.float64]
POINTS = 400
"""Sizes at which the curve is held against the arm; those in between are interpolated on the logarithm."""
SMALLEST = 1e-12
"""Variance of an area that never varied, so that it still has a weight."""


@dataclass(frozen=True)
class Exchange:
    """Real patients that the synthetic images are worth, beyond those the arm had anyway."""

    patients: float | None
    """The estimate; None where the arm lies beyond the curve."""
    low: float | None
    """Lower limit; None where it lies below the smallest subset, so that no loss can be ruled out."""
    high: float | None
    """Upper limit; None where it lies beyond the largest subset."""
    beyond: str
    """`above` or `below` where the arm is better, or worse, than all that the curve has seen; else empty."""
    seen: tuple[float, float]
    """The exchange that the curve can express: (smallest - base, largest - base), in patients."""
    level: float
    curve: Floats
    """(4, points): size, area, and its limits at the same level, for the picture."""
    area: tuple[float, float, float]
    """Area of the arm with its limits."""
    method: str


def exchange(
    sizes: NDArray[Any],
    scores: Floats,
    mixed: Floats,
    labels: NDArray[np.bool_],
    patients: NDArray[np.str_],
    *,
    base: int,
    level: float = 0.95,
    curve: Callable[[Floats, Floats, Floats], Fit] = power_law,
) -> Exchange:
    """Return how many real patients, added to `base`, give the area of the arm with synthetic images.

    The answer is the size at which the learning curve of the real-only arm passes the area of the arm, less `base`.
    Its interval holds every size that a t-test does not tell from the arm (Fieller, J R Stat Soc B 1954;16:175): it is
    open where the curve is too flat, too short or too uncertain to answer. The standard error counts test patients
    (Obuchowski 1997) and trainings at once, without counting their interaction twice (Cameron, Gelbach and Miller, J
    Bus Econ Stat 2011;29:238). That all subsets come from the same patients makes arm and curve better or worse
    alike, and is left out: draw them from at least twice as many patients as the largest has, and take 10 trainings or
    more (`benchmarks/exchange_coverage.py` measures how often the interval then holds). Nothing is extrapolated.

    Args:
        sizes: (k,) at least 3 sizes, in training patients, ascending.
        scores: (k, s, n) real-only arm: training s at size k scores test image n. The subsets of one s are nested.
        mixed: (s, n) the arm with synthetic images, on the subset of `base` patients of the same s, each with synthetic
            images of its own draw.
        labels: (n,) both classes.
        patients: (n,) the independent unit of each test image.
        base: real training patients of the arm.
        level: coverage.
        curve: how the curve is fitted; see `radassay.stats.learning_curve`.

    Raises:
        ValueError: shapes do not fit, fewer than 3 sizes or 2 trainings, or one class.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    _require(sizes, scores, mixed)
    parts = contributions(np.concatenate([scores, mixed[None]]), labels, patients)
    errors = parts.error(np.eye(len(sizes) + 1))[0][:-1]
    fit = curve(sizes, parts.mean[:-1], np.maximum(errors**2, SMALLEST))
    grid = np.geomspace(sizes[0], sizes[-1], POINTS)
    values, slopes = fit.at(grid)
    here = float(parts.mean[-1])
    gap, reach = values - here, parts.reach(np.c_[slopes, -np.ones(POINTS)], level)
    low, high = _limits(grid, gap, reach)
    value, beyond = _crossing(grid, gap)
    alone = parts.reach(np.c_[slopes, np.zeros(POINTS)], level)
    own = float(parts.reach(np.eye(len(sizes) + 1)[-1:], level)[0])
    return Exchange(
        patients=None if value is None else value - base,
        low=None if low is None else low - base,
        high=None if high is None else high - base,
        beyond=beyond,
        seen=(float(sizes[0] - base), float(sizes[-1] - base)),
        level=level,
        curve=np.stack([grid, values, values - alone, values + alone]),
        area=(here, here - own, here + own),
        method=f"{fit.name}; t-test of every size (Fieller) over test patients and {parts.trainings} trainings",
    )


def statement(found: Exchange) -> str:
    """Return what a report may say: patients gained or lost, and where the curve ends."""
    least, most = (f"{limit:+.0f}" for limit in found.seen)
    low = f"{least} or fewer" if found.low is None else f"{found.low:+.0f}"
    high = f"{most} or more" if found.high is None else f"{found.high:+.0f}"
    span = f"{100 * found.level:.0f} % interval {low} to {high}"
    if found.low is None and found.high is None:
        return f"cannot be told: the {100 * found.level:.0f} % interval covers all that the curve has seen"
    if found.patients is not None:
        return f"as good as {found.patients:+.0f} real patients ({span})"
    limits = "" if _ends(found) else f" ({span})"
    if found.beyond == "above":
        told = f"as good as more than {most} real patients, which is as far as it goes"
        return f"better than anything the curve has seen: {told}" + limits
    told = f"as bad as more than {-found.seen[0]:.0f} patients fewer, which is as far as it goes"
    return f"worse than anything the curve has seen: {told}" + limits


def _ends(found: Exchange) -> bool:
    """Return whether the interval, too, lies beyond the curve."""
    return found.low == found.seen[1] if found.beyond == "above" else found.high == found.seen[0]


def _require(sizes: Floats, scores: Floats, mixed: Floats) -> None:
    if scores.ndim != 3 or scores.shape[0] != len(sizes) or mixed.shape != scores.shape[1:]:
        raise ValueError(f"scores {scores.shape} and {mixed.shape} do not fit {len(sizes)} sizes")
    if scores.shape[1] < 2:
        raise ValueError("an exchange rate needs two trainings or more")
    if len(sizes) < 3 or not (np.diff(sizes) > 0).all() or sizes[0] <= 0:
        raise ValueError("a learning curve needs 3 sizes or more, ascending")


def _limits(grid: Floats, gap: Floats, reach: Floats) -> tuple[float | None, float | None]:
    """Return the smallest and largest size not told from the arm; None where no size of the curve is the limit."""
    inside = np.abs(gap) <= reach
    inside[:-1] |= gap[:-1] * gap[1:] <= 0  # a root between two points
    if not inside.any():
        return (float(grid[-1]), None) if gap[-1] < 0 else (None, float(grid[0]))
    first, last = np.flatnonzero(inside)[[0, -1]]
    # a largest size that is told from the arm as too small rules out nothing beyond it, nor does a smallest too large
    low = None if first == 0 or gap[0] > 0 else float(grid[first - 1])
    high = None if last == len(grid) - 1 or gap[-1] < 0 else float(grid[last + 1])
    return low, high


def _crossing(grid: Floats, gap: Floats) -> tuple[float | None, str]:
    """Return where the curve passes the arm, or on which side of all sizes the arm lies."""
    signs = np.flatnonzero(gap[:-1] * gap[1:] <= 0)
    if not len(signs):
        return None, "above" if gap.max() < 0 else "below"
    k = int(signs[0])
    part = 0.5 if gap[k] == gap[k + 1] else gap[k] / (gap[k] - gap[k + 1])
    return float(grid[k] * (grid[k + 1] / grid[k]) ** part), ""
