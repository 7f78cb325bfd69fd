"""The area under the ROC curve, its intervals, and cross-validated scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radassay.stats.auc import area, auc, aucs, bootstrap, clustered, delong, difference
from radassay.stats.discriminant import out_of_fold, patient_folds
from radassay.stats.proportion import share, wilson


def drawn(seed, n=200, shift=1.0):
    rng = np.random.default_rng(seed)
    positive = np.arange(n) < n // 2
    return rng.normal(size=n) + shift * positive, positive, np.arange(n).astype(str)


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=4, max_size=40))
def test_turning_the_scores_round_turns_the_area_round(rows):
    scores, positive = np.array([r[0] for r in rows], dtype=float), np.array([r[1] for r in rows])
    if positive.all() or not positive.any():
        with pytest.raises(ValueError, match="positives and negatives"):
            auc(scores, positive)
        return
    assert auc(scores, positive) == pytest.approx(1 - auc(-scores, positive))
    assert auc(scores, positive) == pytest.approx(auc(np.exp(scores), positive))


def test_every_image_twice_leaves_the_clustered_variance_as_it_was():
    scores, positive, patients = drawn(0)
    twice = [np.repeat(x, 2) for x in (scores, positive, patients)]
    once = clustered(scores[None], positive, patients)
    again = clustered(twice[0][None], twice[1], twice[2])
    assert again.values == pytest.approx(once.values)
    assert again.covariance == pytest.approx(once.covariance)
    assert delong(twice[0][None], twice[1]).covariance[0, 0] < 0.6 * once.covariance[0, 0]


def test_the_bootstrap_agrees_with_the_clustered_variance_when_patients_have_both_classes():
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(120), 3)
    positive = rng.random(360) < 0.4
    scores = rng.normal(size=120)[patients] + rng.normal(size=360) + positive
    found = clustered(scores[None], positive, patients.astype(str)).covariance[0, 0]
    drawn_areas = bootstrap(scores[None], positive, patients.astype(str), rng, 800)
    assert drawn_areas.std() == pytest.approx(np.sqrt(found), rel=0.15)


def test_intervals_cover_the_true_area_as_often_as_they_say():
    true = 0.7602  # two normal distributions one standard deviation apart
    hits = 0
    for seed in range(300):
        found = area(*drawn(seed, n=80))
        hits += found.low <= true <= found.high
    assert 0.91 <= hits / 300 <= 0.985


def test_perfect_separation_still_has_an_interval():
    found = area(np.arange(20.0), np.arange(20) >= 10, np.arange(20).astype(str))
    assert found.value == 1.0
    assert found.high == 1.0
    assert 0.6 < found.low < 0.95


def test_one_positive_patient_gives_a_wide_interval():
    found = area(np.arange(20.0), np.arange(20) >= 19, np.arange(20).astype(str))
    assert found.low < 0.5


def test_a_paired_difference_is_tighter_than_two_separate_intervals():
    scores, positive, patients = drawn(3)
    nearly = scores + np.random.default_rng(0).normal(0, 0.1, len(scores))
    found = difference(scores, nearly, positive, patients)
    alone = area(scores, positive, patients)
    assert found.low < 0 < found.high
    assert found.high - found.low < 0.3 * (alone.high - alone.low)
    assert difference(scores, scores, positive, patients)[:3] == (0, 0, 0)


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="finite"):
        aucs(np.array([[np.nan, 1.0]]), np.array([True, False]))


def test_folds_keep_patients_whole_and_classes_even():
    patients = np.repeat(np.arange(50), 3).astype(str)
    positive = np.repeat(np.arange(50) % 2 == 0, 3)
    fold = patient_folds(positive, patients)
    assert all(len(set(fold[patients == p])) == 1 for p in set(patients))
    assert set(np.bincount(fold[positive])) == {15}
    order = np.random.default_rng(0).permutation(150)
    np.testing.assert_array_equal(patient_folds(positive[order], patients[order]), fold[order])


def test_features_that_say_nothing_give_chance():
    positive = np.arange(100) % 3 == 0
    fold = patient_folds(positive, np.arange(100).astype(str))
    scores = out_of_fold(np.ones((100, 4)), positive[:, None].astype(float), fold)[:, 0]
    assert auc(scores, positive) == 0.5


@pytest.mark.parametrize("d", [3, 300])
def test_a_planted_signal_is_found_in_few_and_in_many_features(d):
    rng = np.random.default_rng(0)
    positive = np.arange(120) % 2 == 0
    features = rng.normal(size=(120, d))
    features[:, 0] += 3 * positive
    fold = patient_folds(positive, np.arange(120).astype(str))
    assert auc(out_of_fold(features, positive[:, None].astype(float), fold)[:, 0], positive) > 0.75


def test_a_share_of_images_is_as_uncertain_as_its_patients():
    hit = np.repeat(np.arange(50) < 10, 4)
    whole = share(hit, np.repeat(np.arange(50), 4).astype(str))
    apart = share(hit, np.arange(200).astype(str))
    assert whole.value == apart.value == 0.2
    assert whole.high - whole.low == pytest.approx(2 * (apart.high - apart.low), rel=0.1)
    assert wilson(0, 10)[0] == 0
    assert wilson(0, 10)[1] == pytest.approx(0.2775, abs=1e-3)
