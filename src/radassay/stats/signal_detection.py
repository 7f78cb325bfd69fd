"""How well a reader tells signal from noise, apart from how readily they say so: d', criterion, forced choices.

Sources: Macmillan and Creelman, Detection Theory, 2nd edition 2005; Hautus, Behav Res Methods 1995;27:46 (log-linear
correction); Gourevitch and Galanter, Psychometrika 1967;32:25 (variance); Hacker and Ratcliff, Percept Psychophys
1979;26:168 (M alternatives).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import norm

from radassay.stats.auc import Interval
from radassay.stats.mrmc import Random, one_modality
from radassay.stats.reader_figures import Figure, proportion_figures

Floats = NDArray[np.float64]
FURTHEST = 12.0
"""The largest d' looked for: beyond it no share of right answers differs from one in double precision."""


class Detection(NamedTuple):
    """One reader's sensitivity and criterion; independent cases, the reader fixed."""

    sensitivity: Interval
    """d': distance of the two distributions in standard deviations; 0 is guessing."""
    criterion: Interval
    """c: above 0 the reader says "signal" too rarely, below 0 too readily; 0 is even."""
    hits: float
    """Share of signals called signal, log-linear corrected."""
    false_alarms: float
    """Share of noise called signal, log-linear corrected."""


def detection(said: ArrayLike, signal: ArrayLike, level: float = 0.95) -> Detection:
    """Return d' and criterion of one reader.

    Half a case is added to either answer of either kind (Hautus 1995), so that all right and all wrong stay finite.
    A reader who calls everything real has "fooled" shares of 100 % and a d' of 0: report both.

    Args:
        said: (n,) whether the reader said signal (here: synthetic).
        signal: (n,) whether it was.
        level: coverage of the intervals.

    Raises:
        ValueError: signal or noise alone.
    """
    said, signal = np.asarray(said, dtype=bool), np.asarray(signal, dtype=bool)
    hits, false_alarms = (float(share[0]) for share in _shares(said[None], signal))
    shares = np.array([hits, false_alarms])
    z = np.asarray(norm.ppf(shares), dtype=np.float64)
    n = np.array([np.count_nonzero(signal) + 1, np.count_nonzero(~signal) + 1])
    error = math.sqrt(float((shares * (1 - shares) / (n * np.asarray(norm.pdf(z)) ** 2)).sum()))
    reach = float(norm.ppf(0.5 + level / 2)) * error
    apart, centre = float(z[0] - z[1]), float(-(z[0] + z[1]) / 2)
    method = "log-linear correction (Hautus 1995), variance over cases (Gourevitch and Galanter 1967)"
    return Detection(
        Interval(apart, apart - reach, apart + reach, method),
        Interval(centre, centre - reach / 2, centre + reach / 2, method),
        hits,
        false_alarms,
    )


def sensitivity_above(threshold: float) -> Figure:
    """Return d' at a threshold of the rating, as a figure of merit for `jackknife_figures` (bounds ± infinity).

    A rating above the threshold counts as "signal".
    """

    def figure(ratings: Floats, positive: NDArray[np.bool_]) -> Floats:
        hits, false_alarms = _shares(ratings > threshold, positive)
        return np.asarray(norm.ppf(hits) - norm.ppf(false_alarms))

    return figure


def criterion_above(threshold: float) -> Figure:
    """Return the criterion c at a threshold of the rating, as a figure of merit for `jackknife_figures`."""

    def figure(ratings: Floats, positive: NDArray[np.bool_]) -> Floats:
        hits, false_alarms = _shares(ratings > threshold, positive)
        return np.asarray(-(norm.ppf(hits) + norm.ppf(false_alarms)) / 2)

    return figure


def _shares(said: NDArray[np.bool_], signal: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    if signal.all() or not signal.any():
        raise ValueError("detection needs signal and noise")
    hits, false_alarms = (
        (said[:, rows].sum(axis=1) + 0.5) / (np.count_nonzero(rows) + 1) for rows in (signal, ~signal)
    )
    return hits, false_alarms


class Choice(NamedTuple):
    """Forced choices over readers and trials."""

    correct: Interval
    """Share of right choices."""
    sensitivity: Interval
    """The d' that gives this share without bias."""
    area: Interval
    """The area under the ROC curve of that d', which two alternatives measure without any model."""


def forced_choice(
    correct: ArrayLike,
    alternatives: int = 2,
    patients: ArrayLike | None = None,
    level: float = 0.95,
    random: Random = Random.BOTH,
) -> Choice:
    """Return the share of right choices among M alternatives with an interval over readers and trials.

    The interval is the Obuchowski-Rockette one of the mean over readers; d' and area follow by carrying its limits
    over. With two alternatives the share is the area itself, whatever the distributions (Green and Swets 1966).

    Args:
        correct: (readers, trials) of 0 and 1; every reader made every choice.
        alternatives: images shown in a trial, of which one is the signal; 2 or more.
        patients: (trials,) the independent unit of each trial; None where every trial is one.
        level: coverage.
        random: what the study generalises to.

    Raises:
        ValueError: an answer is missing, fewer than two alternatives, or one reader as random.
    """
    if alternatives < 2:
        raise ValueError(f"a forced choice has two alternatives or more; got {alternatives}")
    found = one_modality(proportion_figures(correct, patients), random=random, level=level)
    over = f"Obuchowski-Rockette, random {random}"

    def carried(to: Callable[[float], float], how: str) -> Interval:
        return Interval(to(found.value), to(found.low), to(found.high), how)

    def sensitivity(share: float) -> float:
        return sensitivity_of_choice(share, alternatives)

    def area(share: float) -> float:
        return share if alternatives == 2 else area_of_sensitivity(sensitivity(share))

    return Choice(
        Interval(found.value, found.low, found.high, over),
        carried(sensitivity, f"{over}, carried over to d'"),
        carried(area, over if alternatives == 2 else f"{over}, carried over by d'"),
    )


def correct_of_sensitivity(sensitivity: float, alternatives: int) -> float:
    """Return the share of right choices of an unbiased reader: the signal outdoes all M - 1 others."""
    if alternatives == 2:
        return area_of_sensitivity(sensitivity)
    points, masses = hermegauss(100)
    return float(masses @ ndtr(points + sensitivity) ** (alternatives - 1) / masses.sum())


def sensitivity_of_choice(correct: float, alternatives: int) -> float:
    """Return the d' of a share of right choices; shares of 0 and 1 give the largest d' looked for, ±12."""
    if alternatives == 2:
        return float(np.clip(math.sqrt(2) * norm.ppf(correct), -FURTHEST, FURTHEST))
    ends = [correct_of_sensitivity(d, alternatives) for d in (-FURTHEST, FURTHEST)]
    if correct <= ends[0] or correct >= ends[1]:
        return -FURTHEST if correct <= ends[0] else FURTHEST
    return float(brentq(lambda d: correct_of_sensitivity(d, alternatives) - correct, -FURTHEST, FURTHEST, xtol=1e-10))


def area_of_sensitivity(sensitivity: float) -> float:
    """Return the area under the ROC curve of two normal distributions of equal spread, Phi(d' / sqrt 2)."""
    return float(norm.cdf(sensitivity / math.sqrt(2)))


def sensitivity_of_area(area: float) -> float:
    """Return the d' of an area, sqrt(2) Phi^-1(area)."""
    return float(math.sqrt(2) * norm.ppf(area))
