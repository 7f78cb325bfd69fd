"""Many readers, many cases: what the readers' figures of merit say of all such readers and all such cases.

The Obuchowski-Rockette analysis with Hillis' degrees of freedom. Pooling the readings as if each were an independent
case takes the readers' agreement for evidence, and finds effects that are not there.

Sources: Obuchowski and Rockette, Commun Stat Simul Comput 1995;24:285; Hillis, Stat Med 2007;26:596 (degrees of
freedom) and 2014;33:330 (marginal means, fixed readers, fixed cases); Hillis and Schartz, J Med Imaging 2018;5:045503
(one modality).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import f as snedecor
from scipy.stats import t as student

from radassay.stats.reader_figures import Figures

NOTHING = 1e-12
"""Differences and standard errors below this are rounding."""


class Random(StrEnum):
    """What the readers and cases of the study stand for; what is fixed stands for itself alone."""

    BOTH = "readers and cases"
    CASES = "cases"
    READERS = "readers"


@dataclass(frozen=True)
class Components:
    """Mean squares of the figures and their mean covariances over cases, by kind of pair."""

    modalities: int
    readers: int
    between_modalities: float
    """Mean square of the modalities, MS(T); NaN with one modality."""
    between_readers: float
    """Mean square of the readers, MS(R)."""
    interaction: float
    """Mean square of modality by reader, MS(TR); NaN with one modality."""
    variance: float
    """Mean variance of a figure over cases."""
    same_reader: float
    """Cov1: one reader, two modalities."""
    same_modality: float
    """Cov2: two readers, one modality."""
    neither: float
    """Cov3: two readers, two modalities."""


@dataclass(frozen=True)
class Estimate:
    """A figure of merit, or a difference of two, over readers."""

    value: float
    low: float
    high: float
    error: float
    """Standard error; 0 where nothing varied."""
    freedom: float
    """Degrees of freedom of Student's t; infinite with fixed readers."""
    p: float
    """Two-sided, of a difference of zero; NaN for one modality."""
    random: Random


@dataclass(frozen=True)
class Equality:
    """The test that all modalities have one figure of merit."""

    f: float
    numerator: float
    """Degrees of freedom of the numerator."""
    freedom: float
    """Degrees of freedom of the denominator."""
    p: float
    random: Random


def components(figures: Figures) -> Components:
    """Return mean squares and mean covariances (Hillis 2014).

    Args:
        figures: of any number of modalities and readers; what cannot be formed (the interaction of one modality, the
            covariance between readers of one reader) is NaN for mean squares and 0 for covariances.
    """
    values, covariance = figures.values, figures.covariance
    m, r = values.shape
    of_modality, of_reader = values.mean(axis=1), values.mean(axis=0)
    rest = values - of_modality[:, None] - of_reader[None, :] + values.mean()
    one_modality = np.eye(m, dtype=bool)[:, None, :, None]
    one_reader = np.eye(r, dtype=bool)[None, :, None, :]

    def mean(pairs: NDArray[np.bool_]) -> float:
        mask = np.broadcast_to(pairs, covariance.shape)
        return float(covariance[mask].mean()) if mask.any() else 0.0

    return Components(
        m,
        r,
        r * float(np.var(of_modality, ddof=1)) if m > 1 else math.nan,
        m * float(np.var(of_reader, ddof=1)) if r > 1 else math.nan,
        float((rest**2).sum()) / ((m - 1) * (r - 1)) if min(m, r) > 1 else math.nan,
        mean(one_modality & one_reader),
        mean(~one_modality & one_reader),
        mean(one_modality & ~one_reader),
        mean(~one_modality & ~one_reader),
    )


def one_modality(figures: Figures, modality: int = 0, *, random: Random = Random.BOTH, level: float = 0.95) -> Estimate:
    """Return the mean figure of one modality over readers, from that modality's readings alone.

    With random readers and cases the variance is (MS(R) + r Cov2) / r with
    (MS(R) + r Cov2)^2 / (MS(R)^2 / (r - 1)) degrees of freedom (Hillis 2014);
    a negative Cov2 counts as zero. With fixed readers it is (Var + (r - 1) Cov2) / r and normal; with fixed cases
    MS(R) / r with r - 1. Limits are kept within the figure's bounds. Where nothing varied (every reader perfect) the
    interval is the figure's own for such a case.

    Raises:
        ValueError: one reader, and readers random; or nothing varied and the figure has no interval for it.
    """
    parts = components(figures.only(modality))
    r, together = parts.readers, max(parts.same_modality, 0.0)
    _enough(r, random)
    if random is Random.BOTH:
        total = parts.between_readers + r * together
        variance = total / r
        freedom = (r - 1) * _ratio(total, parts.between_readers) ** 2
    elif random is Random.CASES:
        variance, freedom = (parts.variance + (r - 1) * together) / r, math.inf
    else:
        variance, freedom = parts.between_readers / r, r - 1.0
    value, error = float(figures.values[modality].mean()), math.sqrt(variance)
    if error < NOTHING:
        if figures.unvaried is None:
            raise ValueError("no reader and no case varied, so no interval can be formed")
        return Estimate(value, *figures.unvaried(value, level), 0.0, freedom, math.nan, random)
    reach = float(student.ppf(0.5 + level / 2, freedom)) * error
    low, high = np.clip([value - reach, value + reach], *figures.bounds)
    return Estimate(value, float(low), float(high), error, freedom, math.nan, random)


def equality(figures: Figures, *, random: Random = Random.BOTH) -> Equality:
    """Return the test that all modalities have one mean figure of merit (Hillis 2007 and 2014).

    Raises:
        ValueError: one modality; or one reader, and readers random.
    """
    parts = components(figures)
    noise, freedom = _noise(parts, random)
    f = _ratio(parts.between_modalities if parts.between_modalities > NOTHING**2 else 0.0, noise)
    numerator = parts.modalities - 1.0
    p = snedecor.sf(f, numerator, freedom) if math.isfinite(freedom) else chi2.sf(f * numerator, numerator)
    return Equality(f, numerator, freedom, float(p), random)


def difference(
    figures: Figures, first: int = 0, second: int = 1, *, random: Random = Random.BOTH, level: float = 0.95
) -> Estimate:
    """Return figure(first) - figure(second), its interval and p-value; noise and freedom are those of `equality`.

    Where nothing varied, neither cases nor the readers' differences, the interval has no width.

    Raises:
        ValueError: one modality; or one reader, and readers random.
    """
    noise, freedom = _noise(components(figures), random)
    value = float((figures.values[first] - figures.values[second]).mean())
    value = 0.0 if abs(value) < NOTHING else value
    error = math.sqrt(2 * noise / figures.values.shape[1])
    reach = float(student.ppf(0.5 + level / 2, freedom)) * error
    p = 2 * float(student.sf(_ratio(abs(value), error), freedom))
    return Estimate(value, value - reach, value + reach, error, freedom, p, random)


def _noise(parts: Components, random: Random) -> tuple[float, float]:
    """Return the denominator of F and its degrees of freedom."""
    m, r = parts.modalities, parts.readers
    if m < 2:
        raise ValueError("a difference needs two modalities; got one")
    _enough(r, random)
    together = max(parts.same_modality - parts.neither, 0.0)
    if random is Random.CASES:
        return max(parts.variance - parts.same_reader + (r - 1) * together, 0.0), math.inf
    if random is Random.READERS:
        return parts.interaction, (m - 1.0) * (r - 1)
    noise = parts.interaction + r * together
    if noise < NOTHING**2:
        return 0.0, math.inf
    return noise, (m - 1) * (r - 1) * _ratio(noise, parts.interaction) ** 2


def _enough(readers: int, random: Random) -> None:
    if readers < 2 and random is not Random.CASES:
        raise ValueError("one reader says nothing of other readers; take random=Random.CASES")


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else 0.0 if above <= 0 else math.inf
