"""The Obuchowski-Rockette analysis against plain loops, published rules and laws."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from radassay.stats.auc import aucs
from radassay.stats.mrmc import Random, components, difference, equality, one_modality
from radassay.stats.reader_figures import (
    Figures,
    delong_figures,
    jackknife_figures,
    of_different_cases,
    proportion_figures,
    read_by_all,
)

POSITIVE = np.arange(14) >= 8
RATINGS = np.array(
    [
        [
            [1, 2, 1, 3, 2, 4, 1, 5, 4, 5, 3, 6, 2, 6],
            [2, 1, 3, 1, 4, 2, 2, 3, 5, 3, 6, 5, 2, 4],
            [1, 1, 2, 5, 3, 3, 2, 4, 6, 4, 5, 3, 3, 5],
        ],
        [
            [1, 3, 2, 4, 2, 3, 3, 4, 3, 5, 2, 6, 4, 5],
            [1, 2, 4, 2, 3, 5, 2, 3, 4, 2, 6, 4, 3, 5],
            [2, 1, 3, 4, 1, 3, 2, 5, 5, 3, 4, 2, 4, 6],
        ],
    ]
)


FROZEN = {"f": 1.3445675941177746, "freedom": 225.77124906951717}
"""What the plain loops below gave for the ratings above."""


def simulated(seed, m=2, r=4, n=40):
    rng = np.random.default_rng(seed)
    positive = np.arange(n) % 2 == 0
    latent = positive + 0.7 * rng.standard_normal(n) + 0.8 * rng.standard_normal((m, r, n))
    return np.digitize(latent, [-1, 0, 0.5, 1, 2]), positive


def by_hand(ratings, positive):
    """A transcription by plain loops: areas by counting pairs, jackknife by leaving out, sums over index pairs."""
    m, r, n = ratings.shape

    def area(row, truth):
        up, down = row[truth], row[~truth]
        return sum((a > b) + 0.5 * (a == b) for a, b in product(up, down)) / (len(up) * len(down))

    value = {(i, j): area(ratings[i, j], positive) for i, j in product(range(m), range(r))}
    left = {}
    for key in value:
        left[key] = [area(np.delete(ratings[key], k), np.delete(positive, k)) for k in range(n)]

    def covariance(a, b):
        mean_a, mean_b = sum(left[a]) / n, sum(left[b]) / n
        return (n - 1) / n * sum((x - mean_a) * (y - mean_b) for x, y in zip(left[a], left[b], strict=True))

    kinds = {"var": [], "cov1": [], "cov2": [], "cov3": []}
    for a, b in product(value, value):
        name = ("cov3", "cov2", "cov1", "var")[2 * (a[1] == b[1]) + (a[0] == b[0])]
        kinds[name].append(covariance(a, b))
    mean = {name: sum(values) / len(values) for name, values in kinds.items()}
    whole = sum(value.values()) / (m * r)
    row = [sum(value[i, j] for j in range(r)) / r for i in range(m)]
    column = [sum(value[i, j] for i in range(m)) / m for j in range(r)]
    mst = r * sum((x - whole) ** 2 for x in row) / (m - 1)
    mstr = sum((value[i, j] - row[i] - column[j] + whole) ** 2 for i, j in value) / ((m - 1) * (r - 1))
    noise = mstr + max(r * (mean["cov2"] - mean["cov3"]), 0)
    freedom = noise**2 / (mstr**2 / ((m - 1) * (r - 1)))
    return mean | {"f": mst / noise, "freedom": freedom, "row": row, "noise": noise, "mst": mst, "mstr": mstr}


def test_the_fixture_gives_what_plain_loops_gave():
    found = equality(jackknife_figures(RATINGS, POSITIVE))
    hand = by_hand(RATINGS, POSITIVE)
    assert found.f == pytest.approx(hand["f"], rel=1e-10) == pytest.approx(FROZEN["f"], rel=1e-8)
    assert found.freedom == pytest.approx(hand["freedom"], rel=1e-10) == pytest.approx(FROZEN["freedom"], rel=1e-8)
    assert found.p == pytest.approx(float(stats.f.sf(hand["f"], 1, hand["freedom"])), rel=1e-10)


def test_components_are_those_of_plain_loops():
    hand, parts = by_hand(RATINGS, POSITIVE), components(jackknife_figures(RATINGS, POSITIVE))
    found = [parts.variance, parts.same_reader, parts.same_modality, parts.neither]
    assert found == pytest.approx([hand[name] for name in ("var", "cov1", "cov2", "cov3")], rel=1e-10)
    assert [parts.between_modalities, parts.interaction] == pytest.approx([hand["mst"], hand["mstr"]], rel=1e-10)


def test_mean_squares_are_those_of_an_analysis_of_variance():
    formula = pytest.importorskip("statsmodels.formula.api")
    anova = pytest.importorskip("statsmodels.stats.anova")
    pandas = pytest.importorskip("pandas")
    ratings, positive = simulated(3, m=3)
    figures = delong_figures(ratings, positive)
    m, r = figures.values.shape
    table = pandas.DataFrame(
        {"a": figures.values.ravel(), "t": np.repeat(np.arange(m), r), "r": np.tile(np.arange(r), m)}
    )
    fitted = anova.anova_lm(formula.ols("a ~ C(t) + C(r)", table).fit())
    parts = components(figures)
    assert [parts.between_modalities, parts.between_readers, parts.interaction] == pytest.approx(
        list(fitted["mean_sq"]), rel=1e-9
    )


def test_delong_covariance_is_that_of_pairs():
    above = np.array(
        [
            [[np.mean((x > y) + 0.5 * (x == y)) for x in row[POSITIVE]] for y in [row[~POSITIVE]]]
            for row in RATINGS.reshape(6, -1)
        ]
    )[:, 0]
    below = np.array(
        [
            [np.mean((row[POSITIVE] > y) + 0.5 * (row[POSITIVE] == y)) for y in row[~POSITIVE]]
            for row in RATINGS.reshape(6, -1)
        ]
    )
    expected = np.cov(above) / POSITIVE.sum() + np.cov(below) / (~POSITIVE).sum()
    found = delong_figures(RATINGS, POSITIVE)
    np.testing.assert_allclose(found.covariance.reshape(6, 6), expected, atol=1e-14)


def test_one_modality_follows_hillis():
    figures = delong_figures(*simulated(1))
    alone = figures.only(0)
    r, values = 4, alone.values[0]
    square = float(np.var(values, ddof=1))
    covariance = alone.covariance[0, :, 0, :]
    together = (covariance.sum() - np.trace(covariance)) / (r * (r - 1))
    error = math.sqrt((square + r * together) / r)
    freedom = (square + r * together) ** 2 / (square**2 / (r - 1))
    found = one_modality(figures, 0)
    reach = stats.t.ppf(0.975, freedom) * error
    assert (found.error, found.freedom) == pytest.approx((error, freedom))
    assert (found.low, found.high) == pytest.approx((values.mean() - reach, min(values.mean() + reach, 1)))


def test_fixed_readers_is_the_plain_variance_of_the_mean_over_cases():
    figures = delong_figures(*simulated(2))
    mean = np.full((2, 4), 0.25)
    contrast = mean * np.array([[1], [-1]])
    one = one_modality(figures, 1, random=Random.CASES)
    assert one.error**2 == pytest.approx(float(figures.covariance[1, :, 1, :].mean()))
    exact = float(np.einsum("ij,ijkl,kl", contrast, figures.covariance, contrast))
    # Cov1 and the variance enter as means over readers and modalities, so the quadratic form is met exactly
    assert difference(figures, random=Random.CASES).error ** 2 == pytest.approx(exact)


def test_fixed_cases_is_a_paired_t_test_over_readers():
    figures = delong_figures(*simulated(4))
    found = difference(figures, random=Random.READERS)
    paired = stats.ttest_rel(*figures.values)
    assert found.p == pytest.approx(float(paired.pvalue))
    assert equality(figures, random=Random.READERS).p == pytest.approx(float(paired.pvalue))


@pytest.mark.parametrize("random", list(Random))
def test_two_modalities_have_one_p_value(random):
    figures = delong_figures(*simulated(5))
    found = difference(figures, random=random)
    assert found.p == pytest.approx(equality(figures, random=random).p)
    assert (found.p < 0.05) == (not found.low <= 0 <= found.high)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(4)))
def test_the_order_of_readers_and_cases_changes_nothing(seed, order):
    ratings, positive = simulated(seed)
    cases = np.random.default_rng(seed).permutation(len(positive))
    one, two = delong_figures(ratings, positive), delong_figures(ratings[:, order][:, :, cases], positive[cases])
    assert difference(one).p == pytest.approx(difference(two).p)
    assert one_modality(one).error == pytest.approx(one_modality(two).error)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_swapping_classes_mirrors_the_area(seed):
    ratings, positive = simulated(seed)
    one, two = one_modality(delong_figures(ratings, positive)), one_modality(delong_figures(ratings, ~positive))
    assert (two.value, two.low, two.high) == pytest.approx((1 - one.value, 1 - one.high, 1 - one.low))


def test_readers_who_answer_alike_add_nothing():
    ratings, positive = simulated(6, r=1)
    alike = one_modality(delong_figures(np.repeat(ratings, 5, axis=1), positive))
    single = one_modality(delong_figures(ratings, positive), random=Random.CASES)
    assert alike.error == pytest.approx(single.error)


def test_one_case_a_patient_is_the_plain_analysis_and_copies_add_nothing():
    ratings, positive = simulated(7)
    plain = delong_figures(ratings, positive)
    named = delong_figures(ratings, positive, np.arange(40).astype(str))
    np.testing.assert_allclose(plain.covariance, named.covariance, atol=1e-15)
    twice = np.concatenate([ratings, ratings], axis=2), np.tile(positive, 2), np.tile(np.arange(40), 2)
    for figures in (delong_figures, jackknife_figures):
        copied = figures(twice[0], twice[1], patients=twice[2])
        np.testing.assert_allclose(copied.covariance, figures(ratings, positive).covariance, atol=1e-12)


def test_jackknife_and_delong_agree_on_many_cases():
    ratings, positive = simulated(8, n=400)
    jackknife, delong = jackknife_figures(ratings, positive, aucs), delong_figures(ratings, positive)
    np.testing.assert_allclose(jackknife.covariance, delong.covariance, rtol=0.02, atol=1e-6)


def test_perfect_readers_get_an_interval_with_width():
    positive = np.arange(40) < 20
    found = one_modality(delong_figures(np.tile(np.where(positive, 6, 1), (6, 1)), positive))
    assert found.value == 1 and 0.8 < found.low < 0.99 and found.high == 1 and found.error == 0


@pytest.mark.parametrize("random", list(Random))
def test_a_modality_against_itself_differs_by_nothing(random):
    ratings, positive = simulated(13, m=1)
    figures = delong_figures(np.concatenate([ratings, ratings]), positive)
    found = difference(figures, random=random)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert equality(figures, random=random).f == 0 and equality(figures, random=random).p == 1


@pytest.mark.slow
@pytest.mark.parametrize("mixed", [False, True])
def test_patients_with_several_images_are_the_units(mixed):
    """Two images a patient that share what makes them odd; mixed: one real and one synthetic of each patient."""
    rng, held, ignored, runs = np.random.default_rng(0), 0, 0, 400
    patients = np.repeat(np.arange(80), 2)
    positive = np.arange(160) % 2 == 0 if mixed else patients % 2 == 0
    for _ in range(runs):
        shared = np.repeat(rng.standard_normal(80), 2)
        ratings = 0.9 * shared + rng.standard_normal((6, 160)) + 0.15 * rng.standard_normal((6, 1)) * positive
        known, unknown = (one_modality(delong_figures(ratings, positive, units)) for units in (patients, None))
        held += known.low <= 0.5 <= known.high
        ignored += unknown.low <= 0.5 <= unknown.high
    assert 0.925 <= held / runs <= 0.975  # three standard errors around 0.95, less what 400 runs cannot show
    assert (ignored / runs > 0.975) if mixed else (ignored / runs < 0.9)


def test_modalities_of_different_cases_are_independent():
    (one, truth), (two, other) = simulated(9, m=1), simulated(10, m=1, n=50)
    both = of_different_cases(delong_figures(one, truth), delong_figures(two, other))
    parts = components(both)
    assert both.values.shape == (2, 4) and parts.same_reader == parts.neither == 0
    assert 0 <= difference(both).p <= 1
    with pytest.raises(ValueError, match="same readers"):
        of_different_cases(delong_figures(one, truth), delong_figures(two[:, :3], other))


def test_missing_readings_are_refused_and_whole_cases_named():
    ratings, positive = simulated(11)
    holes = ratings.astype(float)
    holes[1, 2, 5] = np.nan
    with pytest.raises(ValueError, match="1 of 320 readings are missing"):
        delong_figures(holes, positive)
    kept = read_by_all(holes)
    assert kept.sum() == 39 and not kept[5]
    delong_figures(holes[..., kept], positive[kept])


def test_what_cannot_be_said_is_refused():
    ratings, positive = simulated(12, r=1)
    with pytest.raises(ValueError, match="one reader"):
        one_modality(delong_figures(ratings, positive))
    with pytest.raises(ValueError, match="two modalities"):
        equality(delong_figures(ratings[:1], positive), random=Random.CASES)
    with pytest.raises(ValueError, match="got"):
        delong_figures(ratings[..., :-1], positive)
    with pytest.raises(ValueError, match="positives and negatives"):
        delong_figures(ratings, np.ones(40, dtype=bool))
    still = Figures(np.full((1, 3), 0.5), np.zeros((1, 3, 1, 3)))
    with pytest.raises(ValueError, match="varied"):
        one_modality(still)


def test_a_share_of_right_answers_varies_over_readers_and_trials():
    rng = np.random.default_rng(0)
    correct = rng.random((5, 60)) < 0.6
    figures = proportion_figures(correct)
    np.testing.assert_allclose(figures.covariance[0, :, 0, :], np.cov(correct) / 60, atol=1e-15)
    assert proportion_figures(np.ones((3, 20))).unvaried(1.0, 0.95)[0] == pytest.approx(20 / (20 + 1.96**2), abs=1e-3)
    with pytest.raises(ValueError, match="0 to 1"):
        proportion_figures(np.full((2, 5), 2.0))
