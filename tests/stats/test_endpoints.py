"""Endpoints, recalibration and calibration plots of clustered images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radassay.stats.endpoints import (
    calibration,
    calibration_intercept,
    endpoints,
    net_benefit,
    sensitivity,
    threshold_at,
)
from radassay.stats.paired import crossed_bootstrap
from radassay.stats.recalibration import Recalibration, calibration_points


def people(seed, patients=150, per=2, prevalence=0.5):
    """Return logits that are right, the outcomes drawn from them, and patients."""
    rng = np.random.default_rng(seed)
    logits = np.repeat(rng.normal(size=patients), per) + rng.normal(size=patients * per)
    logits += np.log(prevalence / (1 - prevalence))
    labels = rng.random(len(logits)) < 1 / (1 + np.exp(-logits))
    return logits, labels, np.repeat(np.arange(patients), per).astype(str)


@pytest.mark.parametrize("endpoint", endpoints(), ids=lambda e: e.name)
def test_a_weight_of_two_is_the_image_twice(endpoint):
    logits, labels, _ = people(0, 60, 1)
    p = 1 / (1 + np.exp(-logits))
    values = {"scores": logits, "probabilities": p, "margins": logits - 0.3}[endpoint.reads]
    weights = np.random.default_rng(1).integers(1, 4, len(p))
    once = endpoint.measure(values, labels, weights[None].astype(float))
    again = endpoint.measure(np.repeat(values, weights), np.repeat(labels, weights), np.ones((1, weights.sum())))
    assert once[0] == pytest.approx(again[0], abs=1e-9)


@pytest.mark.parametrize("endpoint", endpoints(), ids=lambda e: e.name)
def test_every_endpoint_has_an_interval_over_patients_and_trainings(endpoint):
    logits, labels, patients = people(2)
    noisy = logits + np.random.default_rng(0).normal(0, 0.3, (2, 3, len(logits)))
    values = {"scores": noisy, "probabilities": 1 / (1 + np.exp(-noisy)), "margins": noisy}[endpoint.reads]
    arms = crossed_bootstrap(values, labels, patients, 200, np.random.default_rng(3), endpoint.measure)
    assert np.isfinite(arms.resampled).all()
    low, high = np.quantile(arms.resampled[0], [0.025, 0.975])
    assert low < arms.mean[0] < high


def test_a_bootstrap_of_the_brier_score_knows_that_images_of_one_patient_are_alike():
    rng = np.random.default_rng(4)
    wrong = np.repeat(rng.random(100), 4)
    labels = np.repeat(np.arange(100) % 2 == 0, 4)
    p = np.where(labels, 1 - wrong, wrong)[None, None]
    brier = next(e for e in endpoints() if e.name == "brier").measure
    whole, apart = (
        crossed_bootstrap(p, labels, units.astype(str), 600, np.random.default_rng(5), brier).resampled.std()
        for units in (np.repeat(np.arange(100), 4), np.arange(400))
    )
    assert whole == pytest.approx(2 * apart, rel=0.15)
    errors = ((p[0, 0] - labels) ** 2)[::4]
    by_class = [errors[k::2].std(ddof=1) ** 2 / 50 / 4 for k in (0, 1)]
    assert whole == pytest.approx(np.sqrt(sum(by_class)), rel=0.12)


def test_calibration_of_probabilities_that_are_right_is_one_and_zero():
    logits, labels, _ = people(6, 20_000, 1)
    once = np.ones((1, len(logits)))
    for factor, shift in ((1, 0), (2, 0.5)):
        p = 1 / (1 + np.exp(-(factor * logits + shift)))
        slope, intercept = calibration(p, labels, once)[0]
        assert slope == pytest.approx(1 / factor, abs=0.05)
        assert intercept == pytest.approx(-shift / factor, abs=0.05)


def test_separated_classes_have_no_slope_and_one_class_has_no_intercept():
    p, labels = np.linspace(0.1, 0.9, 20), np.arange(20) >= 10
    once = np.ones((1, 20))
    assert np.isnan(calibration(p, labels, once)).all()
    assert np.isnan(calibration_intercept(p, np.ones(20, dtype=bool), once)).all()
    assert np.isfinite(calibration_intercept(p, labels, once)).all()


@given(st.integers(0, 1000), st.sampled_from([0.5, 0.8, 0.9, 0.95]), st.integers(3, 60))
@settings(max_examples=40)
def test_the_threshold_is_the_lowest_that_keeps_the_specificity(seed, wanted, n):
    scores = np.random.default_rng(seed).normal(size=n).round(1)
    labels = np.arange(n) % 3 == 0
    threshold = threshold_at(wanted, scores, labels)
    negatives = scores[~labels]
    assert (negatives <= threshold).mean() >= wanted - 1e-9
    lower = negatives[negatives < threshold]
    assert not len(lower) or (negatives <= lower.max()).mean() < wanted


def test_impossible_thresholds_are_refused():
    with pytest.raises(ValueError, match="negatives"):
        threshold_at(0.9, np.zeros(3), np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="between 0 and 1"):
        net_benefit(1.0)


def test_no_positive_has_no_sensitivity():
    assert np.isnan(sensitivity(np.ones(3), np.zeros(3, dtype=bool), np.ones((1, 3)))).all()


def test_to_call_everybody_ill_is_worth_the_prevalence_less_its_odds():
    labels = np.arange(10) < 3
    assert net_benefit(0.2)(np.ones(10), labels, np.ones((1, 10)))[0] == pytest.approx(0.3 - 0.7 * 0.25)
    assert net_benefit(0.2)(np.zeros(10), labels, np.ones((1, 10)))[0] == 0


def test_recalibration_undoes_what_resampling_did():
    """A model of balanced images, used where one in ten is ill: too high before, right after."""
    logits, labels, _ = people(7, 30_000, 1, prevalence=0.1)
    balanced = logits - np.log(0.1 / 0.9)
    once = np.ones((1, 15_000))
    before = calibration_intercept(1 / (1 + np.exp(-balanced[15_000:])), labels[15_000:], once)[0]
    found = Recalibration.learned(balanced[:15_000], labels[:15_000])
    after = calibration_intercept(found.probabilities(balanced[15_000:]), labels[15_000:], once)[0]
    assert before == pytest.approx(np.log(0.1 / 0.9), abs=0.1)
    assert after == pytest.approx(0, abs=0.1)


def test_recalibration_of_separated_or_constant_scores_is_finite():
    labels = np.arange(20) >= 10
    steep = Recalibration.learned(np.arange(20.0), labels)
    assert np.isfinite(steep.slope)
    assert steep.slope > 0
    flat = Recalibration.learned(np.zeros(20), labels)
    assert flat.probabilities(np.zeros(1))[0] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="positives and negatives"):
        Recalibration.learned(np.zeros(3), np.ones(3, dtype=bool))


def test_points_of_a_calibration_plot_hold_every_image_once_and_cover_the_line():
    logits, labels, patients = people(8, 600, 2)
    p = 1 / (1 + np.exp(-logits))
    points = calibration_points(p, labels, patients, 10, level=0.999)
    assert sum(point.images for point in points) == len(p)
    assert [point.probability for point in points] == sorted(point.probability for point in points)
    assert all(point.low <= point.probability <= point.high for point in points)
    assert len(calibration_points(np.full(len(p), 0.3), labels, patients)) == 1
