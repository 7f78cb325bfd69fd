"""Resampling over patients: delete-a-group jackknife and bootstrap, the source of nearly every interval."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

GROUPS = 20
"""Groups of patients that the jackknife leaves out in turn; fewer where there are fewer patients."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    method: str


def codes(units: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return the unit of each row as an integer from 0, shape (n,)."""
    return np.asarray(np.unique(units, return_inverse=True)[1], dtype=np.intp).reshape(-1)


def deal_groups(units: NDArray[np.str_], n_groups: int = GROUPS) -> NDArray[np.intp]:
    """Deal whole patients into groups of nearly equal patient counts; return the group of each row, shape (n,).

    Patients are dealt in the order of the SHA-256 of their code: as good as random, the same whatever the order of
    the rows, and no random state is used up. There are min(n_groups, patients) groups.
    """
    names, rows = np.unique(units, return_inverse=True)
    digests = [hashlib.sha256(name.encode()).digest() for name in names.tolist()]
    order = sorted(range(len(names)), key=digests.__getitem__)
    group = np.empty(len(names), dtype=np.intp)
    group[order] = np.arange(len(names)) % max(1, n_groups)
    return group[np.asarray(rows).reshape(-1)]


def jackknife_variance(left_out: ArrayLike) -> float:
    """Return (G-1)/G · Σ (θ₍g₎ - θ₍·₎)², the delete-a-group jackknife variance (Kott 2001, eq. 1).

    Args:
        left_out: (G,) values of the statistic, each without one group of patients.

    Raises:
        ValueError: fewer than two groups.
    """
    values = np.asarray(left_out, dtype=float)
    if len(values) < 2:
        raise ValueError("the jackknife needs two groups of patients")
    return float((len(values) - 1) / len(values) * np.sum((values - values.mean()) ** 2))


def jackknife_bias(value: float, left_out: ArrayLike) -> float:
    """Return (G-1) · (θ₍·₎ - θ), the bias of order 1/n of a statistic (Quenouille 1956).

    Args:
        value: the statistic of all rows.
        left_out: (G,) values of the statistic, each without one group of patients.
    """
    values = np.asarray(left_out, dtype=float)
    return float((len(values) - 1) * (values.mean() - value))


def half_samples(units: NDArray[np.str_], n_halves: int = 10) -> Iterator[NDArray[np.bool_]]:
    """Yield masks of n_halves halves of the patients, each patient in half of them where the groups come out even.

    The variance between halves estimates that of the whole (McCarthy 1969): each half is twice as variable, but a
    half differs from the whole by half of that. For what is fitted anew and answers in whole classes this errs less
    than the jackknife, whose small omissions flip answers at random.
    """
    groups = deal_groups(units, 2 * n_halves)
    count = int(groups.max()) + 1
    for half in range(n_halves):
        yield (groups - 2 * half) % count < count // 2


def summed_interval(
    value: float,
    parts: Sequence[tuple[float, int]],
    method: str,
    level: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Return value ± t · √(sum of variances), with Satterthwaite's degrees of freedom, clipped to bounds.

    Args:
        value: the estimate.
        parts: (variance, degrees of freedom) of independent sources of error.
        method: how the variances were made.
        level: nominal coverage.
        bounds: range of the measure.
    """
    total = sum(variance for variance, _ in parts)
    df = total**2 / sum(variance**2 / freedom for variance, freedom in parts) if total > 0 else 1.0
    reach = float(stats.t.ppf(0.5 + level / 2, df)) * total**0.5
    low, high = (float(np.clip(limit, *bounds)) for limit in (value - reach, value + reach))
    return Interval(low, high, f"{method}, t with {df:.0f} df")


def jackknife_interval(
    value: float,
    *left_out: ArrayLike,
    level: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Return value ± t · SE over independent samples, each jackknifed over its own patients.

    The variances of the samples add; the degrees of freedom are Satterthwaite's. The limits are clipped to `bounds`,
    the range that the measure can take.

    Args:
        value: the statistic of all rows.
        left_out: for each sample, (G,) values of the statistic without one of its groups.
        level: nominal coverage.
        bounds: range of the statistic.

    Raises:
        ValueError: a sample has fewer than two groups.
    """
    parts = [(jackknife_variance(values), len(np.asarray(values)) - 1) for values in left_out]
    groups = "+".join(str(len(np.asarray(values))) for values in left_out)
    return summed_interval(value, parts, f"delete-a-group jackknife over patients, {groups} groups", level, bounds)


def bootstrap_rows(
    units: NDArray[np.str_], n_resamples: int, rng: np.random.Generator, strata: NDArray[np.str_] | None = None
) -> Iterator[NDArray[np.intp]]:
    """Yield the row numbers of each bootstrap sample: whole patients drawn with replacement.

    Args:
        units: (n,) patient of each row.
        n_resamples: how many samples.
        rng: source of randomness.
        strata: (n,) class of each row; patients are then drawn within the class of their first row, so that no class
            vanishes.
    """
    code = codes(units)
    n_units = int(code.max()) + 1 if len(code) else 0
    order = np.argsort(code, kind="stable")
    start = np.searchsorted(code[order], np.arange(n_units))
    rows = np.split(order, start[1:])
    label = np.zeros(n_units, dtype=np.intp) if strata is None else codes(strata)[[r[0] for r in rows]]
    pools = [np.flatnonzero(label == k) for k in np.unique(label)]
    for _ in range(n_resamples):
        drawn = [rng.choice(pool, len(pool)) for pool in pools]
        yield np.concatenate([rows[unit] for unit in np.concatenate(drawn)])


def percentile_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile limits of bootstrap values, NaN left out (Efron 1979)."""
    kept = np.asarray(values, dtype=float)
    low, high = np.nanquantile(kept, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)
