"""Do images show what their label says: a classifier of real features against the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from radassay.checks.space import Array, draws
from radassay.images.sample import Sample
from radassay.stats.resample import Interval, deal_groups, jackknife_interval

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

    Labels weigh alike, in training and in the mean, whatever their numbers. The interval leaves out groups of
    training patients (the classifier is fitted anew) and of the sample's patients.

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
    ours, theirs = deal_groups(draws(sample)), deal_groups(draws(training))
    if min(ours.max(), theirs.max()) < 1:
        return None
    without_sample = [
        _macro(right[ours != group], sample.labels[ours != group], asked) for group in range(int(ours.max()) + 1)
    ]
    without_training = []
    for group in range(int(theirs.max()) + 1):
        kept = theirs != group
        if len(np.unique(training.labels[kept])) < 2:
            return None
        predicted = _fit(x[kept], training.labels[kept]).predict(y)
        without_training.append(_macro((predicted == sample.labels).astype(float), sample.labels, asked))
    return jackknife_interval(value, without_sample, without_training, bounds=(0.0, 1.0))
