"""Whether right answers or confidence drift over the order of reading: learning, or tiring.

Two statements. `drift_of_readers` takes each reader's slope as one observation and speaks of all such readers. It needs
no model of the correlation within a reader. `drift_of_these_readers` is a regression by generalised estimating
equations with patients as clusters (Liang and Zeger, Biometrika 1986;73:13); it has more power, and speaks of the
readers of this study alone.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from radassay.stats.optional_statsmodels import statsmodels_module

Floats = NDArray[np.float64]


class Drift(NamedTuple):
    """The change from the first reading to the last."""

    change: float
    """On the scale of the answers, or of log-odds where `log_odds`."""
    low: float
    high: float
    p: float
    """Two-sided, of no change."""
    log_odds: bool
    readers: Floats
    """(readers,) each reader's own change; empty where one common change was fitted."""


def drift_of_readers(answers: ArrayLike, order: ArrayLike, readers: ArrayLike, level: float = 0.95) -> Drift:
    """Return the mean over readers of each reader's least-squares change, with Student's t over readers.

    Order must have been drawn for each reader, so that early and late images are alike but for chance. For right
    answers (0 and 1) the change is one in probability.

    Args:
        answers: (n,) right (0 or 1), confidence, or seconds; NaN is left out.
        order: (n,) place of the reading in the reader's sequence.
        readers: (n,) who read.
        level: coverage.

    Raises:
        ValueError: fewer than two readers, or a reader with fewer than three answers.
    """
    y, place, who = _aligned(answers, order, readers)
    names = np.unique(who)
    if len(names) < 2:
        raise ValueError("a drift of readers needs two readers or more")
    changes = np.array([_slope(y[who == name], place[who == name], name) for name in names])
    freedom = len(names) - 1
    mean, error = float(changes.mean()), float(changes.std(ddof=1) / math.sqrt(len(names)))
    reach = float(student.ppf(0.5 + level / 2, freedom)) * error
    p = 2 * float(student.sf(abs(mean) / error, freedom)) if error > 0 else float(mean == 0)
    return Drift(mean, mean - reach, mean + reach, p, False, changes)


def drift_of_these_readers(
    answers: ArrayLike,
    order: ArrayLike,
    readers: ArrayLike,
    patients: ArrayLike,
    *,
    synthetic: ArrayLike | None = None,
    right_or_wrong: bool = True,
    level: float = 0.95,
) -> Drift:
    """Return the change common to these readers, by estimating equations with patients as clusters.

    Readers, and real or synthetic where given, have levels of their own. Variances are the robust ones, so what one
    patient's answers share need not be modelled; they need some tens of patients.

    Args:
        answers: (n,) right (0 or 1) for a logistic model, else any number for a linear one; NaN is left out.
        order: (n,) place of the reading in the reader's sequence.
        readers: (n,) who read.
        patients: (n,) the independent unit of the image.
        synthetic: (n,) whether the image was synthetic; None to leave it out.
        right_or_wrong: whether answers are 0 and 1; the change is then one of log-odds.
        level: coverage.

    Raises:
        SettingsError: statsmodels is not installed.
        ValueError: fewer than ten patients, or right answers other than 0 and 1.
    """
    models = statsmodels_module("api")
    y, place, who, patient, *rest = _aligned(
        answers, order, readers, patients, *([] if synthetic is None else [synthetic])
    )
    if len(np.unique(patient)) < 10:
        raise ValueError(f"robust variances need ten patients or more; got {len(np.unique(patient))}")
    if right_or_wrong and not np.isin(y, [0, 1]).all():
        raise ValueError("right answers are 0 or 1")
    scaled = _scaled(place, who)
    columns = [scaled, *(who == name for name in np.unique(who)), *(np.asarray(x, dtype=bool) for x in rest)]
    family = models.families.Binomial() if right_or_wrong else models.families.Gaussian()
    _, cluster = np.unique(patient, return_inverse=True)
    design = np.column_stack(columns).astype(np.float64)
    fitted = models.GEE(y, design, cluster, family=family).fit()
    low, high = fitted.conf_int(1 - level)[0]
    return Drift(
        float(fitted.params[0]), float(low), float(high), float(fitted.pvalues[0]), right_or_wrong, np.empty(0)
    )


def _aligned(answers: ArrayLike, *columns: ArrayLike) -> tuple[NDArray[Any], ...]:
    y = np.asarray(answers, dtype=np.float64)
    arrays = [np.asarray(column) for column in columns]
    if any(column.shape != y.shape for column in arrays):
        raise ValueError(f"one entry an answer; got {[y.shape, *(c.shape for c in arrays)]}")
    kept = ~np.isnan(y)
    return y[kept], *(column[kept] for column in arrays)


def _scaled(place: NDArray[Any], who: NDArray[Any]) -> Floats:
    """Return places from 0 (a reader's first) to 1 (the last)."""
    scaled = place.astype(np.float64)
    for name in np.unique(who):
        own = who == name
        first, last = scaled[own].min(), scaled[own].max()
        scaled[own] = (scaled[own] - first) / max(last - first, 1.0)
    return scaled


def _slope(answers: Floats, place: NDArray[Any], name: object) -> float:
    if len(answers) < 3:
        raise ValueError(f"reader {name} has {len(answers)} answers; a drift needs three")
    x = _scaled(place, np.zeros(len(place)))
    x = x - x.mean()
    return float(x @ answers / (x @ x))
