"""Agreement against published worked examples and the libraries that have it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from radassay.stats.agreement import (
    Scale,
    answer_counts,
    bootstrapped,
    fleiss_kappa,
    gwet,
    intra_reader,
    krippendorff_alpha,
    similarity,
    weighted_kappa,
)

NAN = np.nan
FOUR_OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
).T
"""Krippendorff 2011, part C: four observers, twelve units, missing answers."""
FOURTEEN = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ],
    dtype=float,
)
"""The worked example of the Wikipedia article on Fleiss' kappa: 0.210."""
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
"""cont3x3abstractors in the overview vignette of the R package irrCAC (Gwet 2014)."""
ONE_TO_FIVE = [1, 2, 3, 4, 5]


def once(n):
    return np.ones((1, n))


def abstractors():
    return np.array([[i, j] for i in range(3) for j in range(3) for _ in range(ABSTRACTORS[i][j])], dtype=float)


@pytest.mark.parametrize(("scale", "alpha"), [(Scale.NOMINAL, 0.743), (Scale.ORDINAL, 0.815), (Scale.INTERVAL, 0.849)])
def test_krippendorffs_own_example(scale, alpha):
    counts = answer_counts(FOUR_OBSERVERS, ONE_TO_FIVE)
    assert krippendorff_alpha(counts, once(12), scale)[0] == pytest.approx(alpha, abs=5e-4)


def test_gwets_figures_for_the_same_answers():
    counts = answer_counts(FOUR_OBSERVERS, ONE_TO_FIVE)
    same = np.eye(5)
    assert gwet(counts, once(12), same)[0] == pytest.approx(0.77544, abs=5e-6)
    assert fleiss_kappa(counts, once(12), same)[0] == pytest.approx(0.76117, abs=5e-6)


def test_gwets_three_by_three_table():
    counts = answer_counts(abstractors(), [0, 1, 2])
    weights, same = once(100), np.eye(3)
    assert gwet(counts, weights, same)[0] == pytest.approx(0.8493305, abs=5e-8)
    assert fleiss_kappa(counts, weights, same)[0] == pytest.approx(0.7962397, abs=5e-8)  # Scott's pi for two
    assert krippendorff_alpha(counts, weights)[0] == pytest.approx(0.7972585, abs=5e-8)
    one, two = (answer_counts(abstractors()[:, [i]], [0, 1, 2]) for i in (0, 1))
    assert weighted_kappa(one, two, weights, same)[0] == pytest.approx(0.7964094, abs=5e-8)


def test_fleiss_kappa_is_the_published_and_that_of_statsmodels():
    assert fleiss_kappa(FOURTEEN, once(10), np.eye(5))[0] == pytest.approx(0.210, abs=5e-4)
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    assert fleiss_kappa(FOURTEEN, once(10), np.eye(5))[0] == pytest.approx(rater.fleiss_kappa(FOURTEEN), rel=1e-12)


@pytest.mark.parametrize("kind", ["linear", "quadratic"])
def test_weighted_kappa_is_that_of_scikit_learn(kind):
    rng = np.random.default_rng(0)
    one = rng.integers(1, 7, 80)
    two = np.clip(one + rng.integers(-2, 3, 80), 1, 6)
    apart = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) / 5
    alike = 1 - (apart if kind == "linear" else apart**2)
    if kind == "quadratic":
        np.testing.assert_allclose(alike, similarity(range(1, 7), Scale.INTERVAL))
    counts = [answer_counts(x[:, None], range(1, 7)) for x in (one, two)]
    found = weighted_kappa(*counts, once(80), alike)[0]
    assert found == pytest.approx(cohen_kappa_score(one, two, weights=kind, labels=range(1, 7)), rel=1e-12)


def test_ordinal_likeness_is_the_published_table():
    np.testing.assert_allclose(similarity([1, 2, 3], Scale.ORDINAL), [[1, 2 / 3, 0], [2 / 3, 1, 2 / 3], [0, 2 / 3, 1]])


def test_ac1_stays_high_where_kappa_collapses():
    answers = np.zeros((100, 2))
    answers[0, 0] = answers[1, 1] = 1
    counts = answer_counts(answers, [0, 1])
    assert fleiss_kappa(counts, once(100), np.eye(2))[0] < 0 < 0.97 < gwet(counts, once(100), np.eye(2))[0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(list(Scale)))
def test_laws(seed, scale):
    rng = np.random.default_rng(seed)
    answers = rng.integers(1, 6, (15, 4)).astype(float)
    answers[rng.random(answers.shape) < 0.2] = np.nan
    alike = similarity(ONE_TO_FIVE, scale)
    coefficients = (
        partial(fleiss_kappa, alike=alike),
        partial(gwet, alike=alike),
        partial(krippendorff_alpha, scale=scale),
    )
    counts, shuffled = (answer_counts(a, ONE_TO_FIVE) for a in (answers, rng.permuted(answers, axis=1)))
    agreed = answer_counts(np.repeat(rng.permutation(np.arange(15) % 5 + 1.0)[:, None], 4, axis=1), ONE_TO_FIVE)
    for coefficient in coefficients:
        value = coefficient(counts, once(15))[0]
        assert value == pytest.approx(coefficient(shuffled, once(15))[0])  # who answered changes nothing
        assert value <= 1 and coefficient(agreed, once(15))[0] == pytest.approx(1)
        weights = rng.integers(1, 3, 15)
        repeated = np.repeat(counts, weights, axis=0)
        assert coefficient(counts, weights[None].astype(float))[0] == pytest.approx(
            coefficient(repeated, once(len(repeated)))[0]
        )


def test_guessing_readers_agree_on_nothing_within_the_interval():
    rng = np.random.default_rng(5)
    counts = answer_counts(rng.integers(0, 2, (300, 6)).astype(float), [0, 1])
    for coefficient in (partial(fleiss_kappa, alike=np.eye(2)), partial(gwet, alike=np.eye(2)), krippendorff_alpha):
        found = bootstrapped(partial(coefficient, counts), 300, np.random.default_rng(0), resamples=400)
        assert found.low < 0 < found.high and found.high - found.low < 0.1


def test_intervals_take_patients_as_units():
    rng = np.random.default_rng(6)
    answers = rng.integers(0, 2, (60, 4)).astype(float)
    counts = answer_counts(np.repeat(answers, 3, axis=0), [0, 1])
    of_cases, of_patients = (
        bootstrapped(partial(krippendorff_alpha, counts), 180, np.random.default_rng(1), patients)
        for patients in (None, np.repeat(np.arange(60), 3))
    )
    assert of_patients.high - of_patients.low > 1.5 * (of_cases.high - of_cases.low)


def test_a_reader_against_themselves():
    rng = np.random.default_rng(7)
    first = rng.integers(1, 7, 40).astype(float)
    second = np.clip(first + rng.integers(-1, 2, 40), 1, 6)
    second[3] = np.nan
    kappa, ac2 = intra_reader(first, second, range(1, 7), np.random.default_rng(0))
    whole = ~np.isnan(second)
    assert kappa.value == pytest.approx(cohen_kappa_score(first[whole], second[whole], weights="quadratic"))
    assert kappa.low < kappa.value < kappa.high and 0.8 < ac2.low < ac2.value < ac2.high <= 1
    same, _ = intra_reader(first, first, range(1, 7), np.random.default_rng(0))
    assert same[:3] == pytest.approx((1, 1, 1))


def test_what_cannot_be_said_is_refused():
    with pytest.raises(ValueError, match="none of the categories"):
        answer_counts(np.array([[7.0]]), [1, 2])
    with pytest.raises(ValueError, match="two categories"):
        answer_counts(np.array([[1.0]]), [1])
    lonely = answer_counts(np.array([[1.0, NAN], [NAN, 2.0]]), [1, 2])
    with pytest.raises(ValueError, match="two readers"):
        bootstrapped(partial(krippendorff_alpha, lonely), 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="twice"):
        intra_reader([1, NAN], [NAN, 1], [1, 2], np.random.default_rng(0))
