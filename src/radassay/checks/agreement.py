"""Do images show what their label says: a classifier of real features against the labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from radassay.checks.space import Array, draws
from radassay.images.sample import Sample
from radassay.stats.conservative import conservative
from radassay.stats.resample import Interval, deal_groups, half_samples, jackknife_variance, summed_interval

STRENGTH = 0.05
"""Inverse of the ridge penalty (scikit-learn's C) on whitened features."""
FEWEST = 5
"""Images that a label needs on each side."""


@dataclass(frozen=True)
class Agreement:
    """Mean over labels of the share of images that are classified as their label."""

    value: float
    interval: Interval | None
    by_label: dict[str, float]


def agreement(x: Array, training: Sample, y: Array, sample: Sample, *, intervals: bool) -> Agreement | str:
    """Return how well a logistic regression of the real training images agrees with the labels of a sample.

    Labels weigh alike, in training and in the mean, whatever their numbers. The interval counts two sources of error:
    the sample (groups of its patients left out) and the training patients (the classifier fitted anew to halves).

    Args:
        x: (n, d) whitened features of the training images.
        training: the training images.
        y: (m, d) features of the sample.
        sample: generated or held-out images.
        intervals: whether to compute the interval.

    Returns:
        The agreement, or the reason why there is none.
    """
    known, counts = np.unique(training.labels, return_counts=True)
    known = known[counts >= FEWEST]
    here, numbers = np.unique(sample.labels, return_counts=True)
    asked = np.array([label for label in here[numbers >= FEWEST].tolist() if label in known])
    if len(known) < 2:
        return "the training images have fewer than two labels with enough images"
    if len(asked) < 2:
        return "fewer than two labels of the training images have enough images here"
    right = (_fit(x, training.labels).predict(y) == sample.labels).astype(float)
    by_label = {label: float(right[sample.labels == label].mean()) for label in asked.tolist()}
    value = float(np.mean(list(by_label.values())))
    return Agreement(value, _interval(value, x, training, y, sample, right, asked) if intervals else None, by_label)


def _fit(x: Array, labels: NDArray[np.str_]) -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=200, tol=1e-3).fit(x, labels)


def _macro(right: Array, labels: NDArray[np.str_], asked: NDArray[np.str_]) -> float:
    shares = [right[labels == label].mean() for label in asked.tolist() if (labels == label).any()]
    return float(np.mean(shares))


def _interval(
    value: float, x: Array, training: Sample, y: Array, sample: Sample, right: Array, asked: NDArray[np.str_]
) -> Interval | None:
    groups, training_units = deal_groups(draws(sample)), draws(training)
    if groups.max() < 1 or len(np.unique(training_units)) < 4:
        return None
    without = [
        _macro(right[groups != group], sample.labels[groups != group], asked) for group in range(int(groups.max()) + 1)
    ]
    refitted = []
    for half in half_samples(training_units):
        if len(np.unique(training.labels[half])) < 2:
            return None
        predicted = _fit(x[half], training.labels[half]).predict(y)
        refitted.append(_macro((predicted == sample.labels).astype(float), sample.labels, asked))
    parts = [(jackknife_variance(without), len(without) - 1), (float(np.var(refitted, ddof=1)), len(refitted) - 1)]
    method = "delete-a-group jackknife over images, half-samples of the training patients"
    found = summed_interval(value, parts, method, bounds=(0.0, 1.0))
    return replace(found, method=conservative(found.method))
