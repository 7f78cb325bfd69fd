"""Paired areas over patients and trainings: the covariance is right, and its intervals cover."""

import numpy as np
import pytest
from simulated_arms import arms

from radassay.stats.contributions import contributions
from radassay.stats.paired import crossed_bootstrap

CONTRAST = np.array([[-1.0, 1.0]])


def test_the_variance_of_a_difference_is_that_seen_between_repetitions():
    rng = np.random.default_rng(0)
    values, errors = [], []
    for _ in range(300):
        parts = contributions(*arms(rng, 80, 5, 0.2, per=2, start=0.15))
        values.append(parts.mean[1] - parts.mean[0])
        errors.append(parts.error(CONTRAST)[0][0])
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=0.12)


def test_it_agrees_with_the_bootstrap_over_patients_where_trainings_are_alike():
    rng = np.random.default_rng(1)
    scores, labels, units = arms(rng, 150, 1, 0.3, per=2)
    found = contributions(scores, labels, units).error(CONTRAST)[0][0]
    drawn = crossed_bootstrap(scores, labels, units, 3000, rng).resampled
    assert found == pytest.approx((drawn[1] - drawn[0]).std(), rel=0.08)


def test_the_order_of_images_and_the_names_of_patients_do_not_matter():
    scores, labels, units = arms(np.random.default_rng(2), 40, 3, 0.3, per=3)
    order = np.random.default_rng(3).permutation(len(labels))
    one = contributions(scores, labels, units)
    two = contributions(scores[:, :, order], labels[order], np.char.add("P", units[order]))
    np.testing.assert_allclose(one.of_patients, two.of_patients, atol=1e-15)
    np.testing.assert_allclose(one.between, two.between, atol=1e-15)


def test_a_class_of_one_patient_is_refused():
    with pytest.raises(ValueError, match="two patients"):
        contributions(np.zeros((1, 1, 4)), np.array([True, False, False, False]), np.array(list("abcd")))


@pytest.mark.slow
@pytest.mark.parametrize(("trainings", "start"), [(3, 0.3), (10, 0.05)])
def test_intervals_of_no_gain_hold_zero(trainings, start):
    rng = np.random.default_rng(trainings)
    held = 0
    for _ in range(600):
        parts = contributions(*arms(rng, 60, trainings, 0.0, per=2, start=start))
        held += abs(parts.mean[1] - parts.mean[0]) <= parts.reach(CONTRAST)[0]
    assert 0.93 <= held / 600 <= 0.985
