"""Paired arms: the vectorised areas equal the plain ones, and the crossed intervals cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from radassay.stats.paired import crossed_bootstrap, hanley_mcneil_variance, patient_weights, weighted_auc


@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(1, 9))
def test_areas_equal_those_of_scikit_learn_with_ties_and_weights(seed, n, levels):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, n).astype(float)
    labels = rng.permutation(np.arange(n) % 2 == 0)
    weights = rng.integers(0, 4, (5, n)).astype(float)
    for row, area in zip(weights, weighted_auc(scores, labels, weights), strict=True):
        if row[labels].sum() and row[~labels].sum():
            assert area == pytest.approx(roc_auc_score(labels, scores, sample_weight=row), abs=1e-12)
        else:
            assert np.isnan(area)


def test_no_images_and_one_class_have_no_area():
    assert np.isnan(weighted_auc(np.zeros(0), np.zeros(0, dtype=bool))).all()
    assert np.isnan(weighted_auc(np.arange(3.0), np.ones(3, dtype=bool))).all()


def test_whole_patients_are_drawn_and_both_classes_stay():
    patients = np.repeat(np.arange(12).astype(str), 3)
    labels = np.repeat(np.arange(12) < 3, 3)
    labels[-1] = True  # the last patient has both
    weights = patient_weights(patients, labels, 200, np.random.default_rng(0))
    assert weights.shape == (200, 36)
    np.testing.assert_array_equal(weights[:, ::3], weights[:, 1::3])
    np.testing.assert_array_equal(weights[:, ::3].sum(axis=1), 12)
    np.testing.assert_array_equal(weights[:, :9:3].sum(axis=1), 3)
    assert (weights[:, -1] == 1).all()
    assert len(np.unique(weights, axis=0)) > 100


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_equal_arms_never_differ(seed):
    rng = np.random.default_rng(seed)
    one = rng.normal(size=(1, 3, 40))
    labels = np.arange(40) % 2 == 0
    arms = crossed_bootstrap(np.repeat(one, 2, axis=0), labels, np.arange(40).astype(str), 100, rng)
    np.testing.assert_array_equal(arms.resampled[0], arms.resampled[1])
    np.testing.assert_array_equal(arms.observed[0], arms.observed[1])


def test_the_pieces_that_bound_memory_do_not_show(monkeypatch):
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(2, 2, 30)), np.arange(30) % 2 == 0
    monkeypatch.setattr("radassay.stats.paired.CHUNK", 30 * 7)
    arms = crossed_bootstrap(scores, labels, np.arange(30).astype(str), 100, np.random.default_rng(1))
    assert np.isfinite(arms.resampled).all()
    assert abs(arms.resampled.mean() - arms.mean.mean()) < 0.05


def test_one_seed_resamples_patients_alone():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(1, 1, 50)), np.arange(50) % 2 == 0
    arms = crossed_bootstrap(scores, labels, np.arange(50).astype(str), 4000, np.random.default_rng(1))
    assert arms.resampled.std() ** 2 == pytest.approx(hanley_mcneil_variance(arms.mean[0], 25, 25), rel=0.25)


def simulated(rng, patients, seeds, gain):
    """Return scores of two arms with patient, seed and residual effects, and patients with two images each."""
    labels = np.repeat(np.arange(patients) % 2 == 0, 2)
    units = np.repeat(np.arange(patients).astype(str), 2)
    person = np.repeat(rng.normal(size=patients), 2)
    scores = np.empty((2, seeds, len(labels)))
    for arm in range(2):
        own = np.repeat(rng.normal(size=patients), 2)
        for seed in range(seeds):
            strength = 1.2 + gain * arm + 0.25 * rng.normal()
            scores[arm, seed] = strength * labels + person + 0.6 * own + 0.6 * rng.normal(size=len(labels))
    return scores, labels, units


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 6])
def test_the_interval_of_a_difference_covers_zero_when_there_is_none(seeds):
    """400 trials of two equal arms: 95 % intervals hold zero in 93 % to 99.5 % of them."""
    rng = np.random.default_rng(seeds)
    covered = 0
    for _ in range(400):
        arms = crossed_bootstrap(*simulated(rng, 60, seeds, 0.0), 300, rng)
        low, high = np.quantile(arms.resampled[1] - arms.resampled[0], [0.025, 0.975])
        covered += low <= 0 <= high
    assert 0.93 <= covered / 400 <= 0.995


def test_the_variance_of_hanley_and_mcneil():
    """Monte Carlo under the exponential model from which the formula comes: AUC = r / (1 + r)."""
    rng = np.random.default_rng(0)
    positives, negatives, auc = 30, 50, 0.8
    labels = np.arange(80) < positives
    areas = [weighted_auc(rng.exponential(np.where(labels, auc / (1 - auc), 1.0)), labels)[0] for _ in range(4000)]
    assert np.mean(areas) == pytest.approx(auc, abs=0.004)
    assert hanley_mcneil_variance(auc, positives, negatives) == pytest.approx(np.var(areas), rel=0.08)
