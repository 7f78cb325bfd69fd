"""The trial's endpoints, each for many weightings of the same images at once, as a bootstrap over patients needs it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from radassay.evidence.finding import Direction
from radassay.stats.auc import weighted_auc
from radassay.stats.paired import Measure

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
Reads = Literal["scores", "probabilities", "margins"]
SURE = 1e-9
"""A probability counts as no nearer to 0 or 1 than this where its logit is taken."""
STEPS = 50
"""Newton steps of a logistic regression; separated classes do not converge and give NaN."""


@dataclass(frozen=True)
class Endpoint:
    """One way to judge an arm."""

    name: str
    measure: Measure
    reads: Reads
    """Scores as they come, recalibrated probabilities, or scores less the threshold fixed on validation images."""
    unit: str
    direction: Direction


def average_precision(scores: Floats, labels: Labels, weights: Floats) -> Floats:
    """Return the area under the precision-recall curve as average precision, ties at one threshold.

    Args:
        scores: (n,) higher means more likely positive.
        labels: (n,)
        weights: (r, n) how often each image counts.

    Returns:
        (r,), NaN where no positive has weight.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    taken = np.cumsum(weights[:, order], axis=1)[:, last]
    hits = np.cumsum(np.where(labels[order], weights[:, order], 0.0), axis=1)[:, last]
    precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
    return _ratio((np.diff(hits, axis=1, prepend=0.0) * precision).sum(axis=1), hits[:, -1])


def brier(probabilities: Floats, labels: Labels, weights: Floats) -> Floats:
    """Return the mean squared difference of probability and outcome (Brier 1950); arguments as `average_precision`."""
    return _ratio(weights @ (probabilities - labels) ** 2, weights.sum(axis=1))


def calibration(probabilities: Floats, labels: Labels, weights: Floats) -> Floats:
    """Return slope and intercept of the outcome's logit on the probability's (Cox, Biometrika 1958;45:562).

    Perfect calibration is slope 1 and intercept 0; a slope below 1 means probabilities too near 0 and 1. Both are
    fitted together by Newton's method.

    Returns:
        (r, 2), NaN where the classes are separated or one has no weight.
    """
    x = logit(np.clip(probabilities, SURE, 1 - SURE))
    fitted = logistic(x, labels.astype(np.float64), weights)
    return fitted[:, ::-1]


def calibration_slope(probabilities: Floats, labels: Labels, weights: Floats) -> Floats:
    """Return the slope of `calibration`, (r,)."""
    return calibration(probabilities, labels, weights)[:, 0]


def calibration_intercept(probabilities: Floats, labels: Labels, weights: Floats) -> Floats:
    """Return the intercept where the slope is held at 1, (r,): calibration in the large (Steyerberg 2009, ch. 15)."""
    x = logit(np.clip(probabilities, SURE, 1 - SURE))
    total, events = weights.sum(axis=1), weights @ labels
    shift = np.zeros(len(weights))
    for _ in range(STEPS):
        expected = expit(x[None, :] + shift[:, None])
        curvature = (weights * expected * (1 - expected)).sum(axis=1)
        slope = events - (weights * expected).sum(axis=1)
        step = np.clip(np.divide(slope, curvature, out=np.zeros_like(slope), where=curvature > 1e-12), -2, 2)
        shift += step
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    return np.where((events > 0) & (events < total), shift, np.nan)


def sensitivity(margins: Floats, labels: Labels, weights: Floats) -> Floats:
    """Return the share of positives called so, (r,).

    Args:
        margins: (n,) score less the threshold that was fixed on other images (`threshold_at`); above 0 is called
            positive.
        labels: (n,)
        weights: (r, n)
    """
    positive = weights[:, labels]
    return _ratio(positive[:, margins[labels] > 0].sum(axis=1), positive.sum(axis=1))


def threshold_at(specificity: float, scores: Floats, labels: Labels) -> float:
    """Return the lowest threshold below or at which this share of the negatives lies.

    It belongs to validation images: one chosen on the test images promises a specificity that new images do not keep.

    Args:
        specificity: wanted share of negatives at or below the threshold, above 0 and below 1.
        scores: (n,) scores of validation images.
        labels: (n,) their labels.

    Raises:
        ValueError: no negatives, or a share out of range.
    """
    negatives = np.sort(scores[~labels])
    if not len(negatives) or not 0 < specificity < 1:
        raise ValueError("a threshold needs negatives and a specificity between 0 and 1")
    return float(negatives[math.ceil(round(specificity * len(negatives), 9)) - 1])


def net_benefit(threshold: float) -> Measure:
    """Return the measure of net benefit at a threshold probability (Vickers and Elkin, Med Decis Making 2006;26:565).

    True positives less false positives weighted by the odds of the threshold, per patient tested, in true positives.

    Raises:
        ValueError: the threshold is not between 0 and 1.
    """
    if not 0 < threshold < 1:
        raise ValueError("a threshold probability lies between 0 and 1")
    odds = threshold / (1 - threshold)

    def measure(probabilities: Floats, labels: Labels, weights: Floats) -> Floats:
        called = probabilities >= threshold
        return _ratio(weights @ (called * np.where(labels, 1.0, -odds)), weights.sum(axis=1))

    return measure


def endpoints(threshold: float = 0.2) -> tuple[Endpoint, ...]:
    """Return every endpoint; `threshold` is the probability from which one would act, for the net benefit."""
    return (
        Endpoint("auc", weighted_auc, "scores", "AUC", "higher is better"),
        Endpoint("auprc", average_precision, "scores", "average precision", "higher is better"),
        Endpoint("brier", brier, "probabilities", "Brier score", "lower is better"),
        Endpoint("calibration_slope", calibration_slope, "probabilities", "", "neither"),
        Endpoint("calibration_intercept", calibration_intercept, "probabilities", "log odds", "near zero is better"),
        Endpoint("sensitivity", sensitivity, "margins", "share of positives", "higher is better"),
        Endpoint(
            "net_benefit", net_benefit(threshold), "probabilities", "true positives per patient", "higher is better"
        ),
    )


def logistic(x: Floats, targets: Floats, weights: Floats) -> Floats:
    """Return intercept and slope of a logistic regression of one variable, under each row of weights.

    Args:
        x: (n,)
        targets: (n,) outcome or its probability, 0 to 1.
        weights: (r, n)

    Returns:
        (r, 2), NaN where Newton's method does not converge, as for separated classes.
    """
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / scale
    found, active = np.zeros((len(weights), 2)), np.arange(len(weights))
    done = np.zeros(len(weights), dtype=bool)
    for _ in range(STEPS):
        w = weights[active]
        expected = expit(found[active, :1] + found[active, 1:] * z)
        rest, bend = w * (targets - expected), w * expected * (1 - expected)
        g0, g1 = rest.sum(axis=1), rest @ z
        h0, h1, h2 = bend.sum(axis=1), bend @ z, bend @ z**2
        determinant = h0 * h2 - h1 * h1
        possible = determinant > 1e-12 * np.maximum(h0, 1e-12) ** 2
        safe = np.where(possible, determinant, 1.0)
        step = np.stack([(h2 * g0 - h1 * g1) / safe, (h0 * g1 - h1 * g0) / safe], axis=1)
        found[active] += np.where(possible[:, None], np.clip(step, -3, 3), 0.0)
        done[active[possible & (np.abs(step).max(axis=1) < 1e-9)]] = True
        active = active[possible & ~done[active]]
        if not len(active):
            break
    slope = found[:, 1] / scale
    out: Floats = np.where(done[:, None], np.stack([found[:, 0] - slope * centre, slope], axis=1), np.nan)
    return out


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))
