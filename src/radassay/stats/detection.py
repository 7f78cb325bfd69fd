"""Limit of blank and limit of detection: the smallest dose of a planted defect that a measure surely shows.

After CLSI EP17-A2, *Evaluation of Detection Capability for Clinical Laboratory Measurement Procedures* (Clinical
and Laboratory Standards Institute, 2012), parametric option, with alpha = beta = 5 %::

    LoB = mean(blanks) + c_p sd(blanks)            c_p = 1.645 / (1 - 1 / (4 df))
    LoD = the dose from which on   mean(dose) - c_p sd(dose) > LoB

EP17 works with samples of one low concentration; here there is a series of doses, so the means are made monotone
(isotonic regression, blanks as dose 0) and the LoD is interpolated between the last dose missed and the first seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, ndtr, polygamma
from scipy.stats import chi2

Floats = NDArray[np.float64]
Watched = Literal["higher", "lower"]
"""The way in which a defect moves a measure."""

Z_95 = 1.6448536269514722
"""95th percentile of the standard normal distribution."""
FEWEST_BLANKS = 3
"""With fewer blanks there is no spread worth the name."""


@dataclass(frozen=True)
class Detection:
    """How well a measure sees a defect."""

    limit: float | None
    """Limit of detection in units of the dose; None when the defect was not seen."""
    reason: str
    """Why there is no limit, or a caution about the one there is."""
    limit_of_blank: float | None
    """Value that 95 % of blanks do not pass, in units of the measure."""
    low: float | None = None
    """Lower 95 % confidence limit of the limit of detection; never below the lowest dose tried."""
    high: float | None = None
    """Upper 95 % confidence limit; None, like `low`, where it lies beyond the highest dose tried."""
    means: tuple[float, ...] = ()
    """Mean of the measure over the blanks and at each dose, made monotone."""
    monotone: bool = True
    """Whether the monotone means lie within two standard errors of the observed ones."""
    doses: tuple[float, ...] = ()
    """The doses that had values enough, ascending."""
    power: tuple[float, ...] = ()
    """Estimated share of runs that pass the limit of blank at each of these doses, by the normal law."""


def percentile_factor(degrees: float | Floats) -> Any:
    """Return c_p, by which a standard deviation is multiplied to reach the 95th percentile (EP17-A2).

    The divisor removes the bias of a standard deviation that was estimated with few degrees of freedom.
    """
    return Z_95 / (1.0 - 1.0 / (4.0 * np.asarray(degrees, dtype=float)))


def limit_of_blank(blanks: Sequence[float] | Floats, watched: Watched = "higher") -> float:
    """Return the value that 95 % of the blanks do not pass in the direction watched.

    EP17-A2 has a formula for blanks of normal distribution and the rank N 0.95 + 0.5 for others. The larger of the two
    is taken: a share that is 0 in most blanks has a tail that mean and standard deviation understate.

    Raises:
        ValueError: fewer than three blanks.
    """
    values = np.asarray(blanks, dtype=float)
    if len(values) < FEWEST_BLANKS:
        raise ValueError(f"a limit of blank needs {FEWEST_BLANKS} blanks, got {len(values)}")
    sign = 1.0 if watched == "higher" else -1.0
    normal = sign * values.mean() + percentile_factor(len(values) - 1) * values.std(ddof=1)
    return float(sign * max(normal, np.quantile(sign * values, 0.95, method="hazen")))


def isotonic_means(means: Floats, weights: Floats) -> Floats:
    """Return the non-decreasing means, (..., k), closest to `means` in weighted least squares.

    By the max-min formula (Barlow et al. 1972, eq. 1.9): max over j <= i of min over l >= i of the weighted mean
    of means[j..l]; exact, and quick for the handful of doses there are.
    """
    means = np.asarray(means, dtype=float)
    k = means.shape[-1]
    total = np.concatenate([np.zeros((*means.shape[:-1], 1)), np.cumsum(means * weights, axis=-1)], axis=-1)
    mass = np.concatenate([[0.0], np.cumsum(weights)])
    fitted = np.empty_like(means)
    for i in range(k):
        averages = [
            np.min(
                [(total[..., last + 1] - total[..., j]) / (mass[last + 1] - mass[j]) for last in range(i, k)], axis=0
            )
            for j in range(i + 1)
        ]
        fitted[..., i] = np.max(averages, axis=0)
    return fitted


def spread(values: Sequence[float] | Floats, level: float = 0.95) -> tuple[float, float, float]:
    """Return low, high and level of an interval that holds the next value, whatever the distribution.

    The limits are order statistics (quantiles at rank p (n + 1)); with n values no more than (n - 1) / (n + 1) can be
    promised, which is then the level returned.
    """
    ordered = np.asarray(values, dtype=float)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(ordered, [tail, 1.0 - tail], method="weibull")
    return float(low), float(high), min(level, (len(ordered) - 1) / (len(ordered) + 1))


def limit_of_detection(
    blanks: Sequence[float] | Floats,
    doses: Sequence[float],
    values: Sequence[Sequence[float] | Floats],
    watched: Watched = "higher",
    *,
    rng: np.random.Generator,
    draws: int = 1000,
) -> Detection:
    """Return the limit of detection of a defect planted in ascending doses, with a 95 % interval.

    It is never stated below the lowest dose tried, and only if all higher doses tried are seen as well. The standard
    deviation at a dose is pooled with that of the neighbouring doses, on the log scale (not with the blanks: a defect
    may add noise of its own). The interval is a parametric bootstrap: means and standard deviations are drawn from
    their sampling distributions under normality, `draws` times.

    Args:
        blanks: (n,) values of the measure without the defect.
        doses: ascending, above 0.
        values: for each dose, the values of the measure; doses with fewer than two are left out.
        watched: the way in which the defect moves the measure.
        rng: source of the bootstrap.
        draws: size of the bootstrap.
    """
    if len(blanks) < FEWEST_BLANKS:
        return Detection(None, f"not measured: {len(blanks)} blanks, {FEWEST_BLANKS} are needed", None)
    lob = limit_of_blank(blanks, watched)
    kept = [(dose, np.asarray(v, dtype=float)) for dose, v in zip(doses, values, strict=True) if len(v) >= 2]
    if not kept:
        return Detection(None, "not measured: no dose has two values", lob)
    sign = 1.0 if watched == "higher" else -1.0
    series = [sign * np.asarray(blanks, dtype=float), *(sign * v for _, v in kept)]
    levels = np.array([0.0, *(dose for dose, _ in kept)])
    counts = np.array([len(v) for v in series], dtype=float)
    means = np.array([v.mean() for v in series])
    spreads, degrees = _pooled(np.array([v.std(ddof=1) for v in series]), counts - 1.0)
    smooth = isotonic_means(means, counts)
    # Where nothing varies, rounding alone must not pass for a monotone violation.
    allowance = 2.0 * spreads / np.sqrt(counts) + 1e-9 * np.abs(means).max()
    monotone = bool(np.all(np.abs(smooth - means) <= allowance))
    tail = max(0.0, sign * lob - float(means[0] + percentile_factor(degrees[0]) * spreads[0]))
    limit = float(_crossing(means[None], spreads[None], counts, degrees, levels, tail)[0])
    curve = tuple(float(m) for m in sign * smooth)
    told: dict[str, Any] = {
        "monotone": monotone,
        "doses": tuple(float(dose) for dose in levels[1:]),
        "power": _power(smooth[1:], spreads[1:], sign * lob),
    }
    if not np.isfinite(limit):
        opposite = means[-1] < means[0] - percentile_factor(counts[0] - 1.0) * spreads[0]
        way = {"higher": "falls", "lower": "rises"}[watched]
        reason = f"not seen: it {way} instead" if opposite else "not seen at any dose tried"
        return Detection(None, reason, lob, means=curve, **told)
    drawn_means = means + spreads / np.sqrt(counts) * rng.standard_normal((draws, len(means)))
    drawn_spreads = spreads * np.sqrt(rng.chisquare(degrees, (draws, len(means))) / degrees)
    limits = np.sort(_crossing(drawn_means, drawn_spreads, counts, degrees, levels, tail))
    low, high = limits[int(0.025 * draws)], limits[min(int(np.ceil(0.975 * draws)), draws - 1)]
    cautions = []
    if limit <= levels[1]:
        cautions.append("seen at the lowest dose tried, the limit may be lower")
    if not monotone:
        cautions.append("the response is not monotone")
    if not np.isfinite(high):
        cautions.append("no interval: its upper limit is beyond the highest dose tried")
        return Detection(limit, "; ".join(cautions), lob, means=curve, **told)
    interval = float(min(low, limit)), float(max(high, limit))
    return Detection(limit, "; ".join(cautions), lob, *interval, curve, **told)


def _power(means: Floats, spreads: Floats, lob: float) -> tuple[float, ...]:
    """Return the share of normal values of these means and standard deviations that lie above the limit of blank."""
    apart = means - lob
    scale = np.where(spreads > 0.0, spreads, 1.0)
    return tuple(float(p) for p in np.where(spreads > 0.0, ndtr(apart / scale), apart > 0.0))


def _pooled(spreads: Floats, degrees: Floats) -> tuple[Floats, Floats]:
    """Return standard deviations and degrees of freedom, each dose pooled with its neighbours; blanks stay alone.

    Means of log variances, freed of their bias: a scatter that grows with the dose by a constant factor from dose to
    dose is then estimated rightly at each, where a mean of variances would lend a dose the scatter of the next larger
    one. None is put below what its own values allow (by the 99.9th percentile of their chi-squared law). Where some
    scatter is nil, and at the largest dose, which has no larger neighbour, variances are averaged.
    """
    pooled, freedom = spreads.copy(), degrees.copy()
    for i in range(1, len(spreads)):
        near = slice(max(1, i - 1), i + 2)
        s, df = spreads[near], degrees[near]
        if (s == 0.0).any() or i == len(spreads) - 1:
            freedom[i], pooled[i] = df.sum(), np.sqrt((df * s**2).sum() / df.sum())
            continue
        logs = np.log(s**2) - digamma(df / 2.0) + np.log(df / 2.0)
        least = spreads[i] / np.sqrt(chi2.ppf(0.999, degrees[i]) / degrees[i])
        pooled[i] = max(np.exp(logs.mean() / 2.0), least)
        # Degrees of freedom of the chi-squared law whose logarithm scatters as much (1/x + 1/2x² for the trigamma).
        freedom[i] = 1.0 + 2.0 / (polygamma(1, df / 2.0).sum() / len(df) ** 2)
    return pooled, freedom


def _crossing(means: Floats, spreads: Floats, counts: Floats, degrees: Floats, doses: Floats, tail: float) -> Floats:
    """Return the limit of detection of each row of (b, k) means and standard deviations; infinite where unseen.

    `tail` is how far the limit of blank lies beyond that of normal blanks.
    """
    lob = means[:, 0] + percentile_factor(degrees[0]) * spreads[:, 0] + tail
    margin = isotonic_means(means, counts) - percentile_factor(degrees) * spreads - lob[:, None]
    # Measures without spread (counts that stay 0) leave margins of rounding size, which show nothing.
    rounding = 1e-9 * np.abs(means).max(axis=1, keepdims=True)
    seen = margin > rounding
    seen[:, 0] = False
    from_here_on = np.logical_and.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
    first = np.argmax(from_here_on, axis=1)
    limits = np.full(len(means), np.inf)
    limits[from_here_on[:, 1]] = doses[1]
    for row in np.flatnonzero(first > 1):
        i = first[row]
        before, after = margin[row, i - 1], margin[row, i]
        # Counts without any noise leave no margin below zero to start a line from: only the dose seen is certain.
        part = 1.0 if before >= -rounding[row, 0] else -before / (after - before)
        limits[row] = doses[i - 1] + (doses[i] - doses[i - 1]) * part
    return limits
