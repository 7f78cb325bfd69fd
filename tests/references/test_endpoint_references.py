"""The trial's endpoints beside scikit-learn, and areas of paired arms beside DeLong's paper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, confusion_matrix

from radassay.stats.auc import clustered
from radassay.stats.contributions import contributions
from radassay.stats.endpoints import (
    average_precision,
    brier,
    calibration,
    calibration_intercept,
    net_benefit,
    sensitivity,
)


def drawn(seed, n, levels=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 3 == 0)
    scores = rng.normal(size=n) + labels
    scores = np.round(scores * levels) / levels if levels else scores
    return scores, labels, rng.integers(0, 4, (4, n)).astype(float)


@given(st.integers(0, 10_000), st.integers(6, 60), st.integers(0, 3))
@settings(max_examples=50)
def test_average_precision_is_scikit_learns_with_ties_and_weights(seed, n, levels):
    scores, labels, weights = drawn(seed, n, levels)
    for row, value in zip(weights, average_precision(scores, labels, weights), strict=True):
        if row[labels].sum():
            assert value == pytest.approx(average_precision_score(labels, scores, sample_weight=row), abs=1e-12)
        else:
            assert np.isnan(value)


@given(st.integers(0, 10_000), st.integers(6, 60))
@settings(max_examples=30)
def test_the_brier_score_is_scikit_learns(seed, n):
    scores, labels, weights = drawn(seed, n)
    p = 1 / (1 + np.exp(-scores))
    for row, value in zip(weights, brier(p, labels, weights), strict=True):
        assert value == pytest.approx(brier_score_loss(labels, p, sample_weight=row), abs=1e-12)


def test_calibration_is_a_logistic_regression_of_the_logit():
    scores, labels, weights = drawn(0, 300)
    p = 1 / (1 + np.exp(-2 * scores))
    for row, (slope, intercept) in zip(weights, calibration(p, labels, weights), strict=True):
        model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(2 * scores[:, None], labels, row)
        assert slope == pytest.approx(model.coef_[0, 0], abs=1e-5)
        assert intercept == pytest.approx(model.intercept_[0], abs=1e-5)


def test_the_intercept_makes_expected_equal_observed():
    scores, labels, weights = drawn(1, 200)
    found = calibration_intercept(1 / (1 + np.exp(-scores)), labels, weights)
    for row, shift in zip(weights, found, strict=True):
        assert (row / (1 + np.exp(-scores - shift))).sum() == pytest.approx(row @ labels, rel=1e-9)


@given(st.integers(0, 10_000), st.sampled_from([0.1, 0.2, 0.5, 0.8]))
@settings(max_examples=30)
def test_sensitivity_and_net_benefit_come_from_the_table_of_four(seed, threshold):
    scores, labels, weights = drawn(seed, 80)
    p = 1 / (1 + np.exp(-scores))
    (tn, fp), (fn, tp) = confusion_matrix(labels, p >= threshold, sample_weight=weights[0])
    total = tn + fp + fn + tp
    net = tp / total - fp / total * threshold / (1 - threshold)
    assert net_benefit(threshold)(p, labels, weights)[0] == pytest.approx(net, abs=1e-12)
    margins = np.where(p >= threshold, 1.0, -1.0)
    assert sensitivity(margins, labels, weights)[0] == pytest.approx(tp / (tp + fn), abs=1e-12)


def plain_delong(scores, labels):
    """Return areas and covariance pair by pair (DeLong, DeLong & Clarke-Pearson 1988, eq. 3-6)."""
    x, y = scores[:, labels], scores[:, ~labels]
    k, m, n = len(scores), x.shape[1], y.shape[1]
    v10, v01 = np.zeros((k, m)), np.zeros((k, n))
    for r in range(k):
        for i in range(m):
            for j in range(n):
                psi = 1.0 if y[r, j] < x[r, i] else 0.5 if y[r, j] == x[r, i] else 0.0
                v10[r, i] += psi / n
                v01[r, j] += psi / m
    theta = v10.mean(axis=1)
    s10, s01 = np.zeros((k, k)), np.zeros((k, k))
    for r in range(k):
        for s in range(k):
            s10[r, s] = sum((v10[r, i] - theta[r]) * (v10[s, i] - theta[s]) for i in range(m)) / (m - 1)
            s01[r, s] = sum((v01[r, j] - theta[r]) * (v01[s, j] - theta[s]) for j in range(n)) / (n - 1)
    return theta, s10 / m + s01 / n


def test_one_training_and_one_image_a_patient_is_delong():
    rng = np.random.default_rng(0)
    labels = np.arange(25) % 3 == 0
    scores = np.round(rng.normal(size=(2, 25)) + labels, 1)
    found = contributions(scores[:, None], labels, np.arange(25).astype(str))
    theta, covariance = plain_delong(scores, labels)
    np.testing.assert_allclose(found.mean, theta, rtol=1e-12)
    np.testing.assert_allclose(found.of_patients, covariance, rtol=1e-10)


def test_one_training_of_clustered_images_is_obuchowski():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(40) % 2 == 0, 3)
    patients = np.repeat(np.arange(40), 3).astype(str)
    scores = np.repeat(rng.normal(size=40), 3) + rng.normal(size=(3, 120)) + labels
    found = contributions(scores[:, None], labels, patients)
    np.testing.assert_allclose(found.of_patients, clustered(scores, labels, patients).covariance, rtol=1e-10)
