"""Laws of resampling over patients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radassay.stats.resample import (
    bootstrap_rows,
    deal_groups,
    half_samples,
    jackknife_bias,
    jackknife_interval,
    jackknife_variance,
    percentile_interval,
)

UNITS = st.lists(st.sampled_from([f"p{i}" for i in range(40)]), min_size=1, max_size=120).map(np.array)


@given(UNITS, st.integers(2, 25))
def test_groups_keep_patients_whole_and_even(units, n_groups):
    groups = deal_groups(units, n_groups)
    patients = {unit: set(groups[units == unit]) for unit in np.unique(units)}
    assert all(len(of) == 1 for of in patients.values())
    counts = np.bincount([next(iter(of)) for of in patients.values()])
    assert len(counts) == min(n_groups, len(patients))
    assert counts.max() - counts.min() <= 1


@given(UNITS, st.randoms())
def test_groups_do_not_depend_on_the_order_of_rows(units, shuffler):
    order = list(range(len(units)))
    shuffler.shuffle(order)
    np.testing.assert_array_equal(deal_groups(units)[order], deal_groups(units[order]))


def test_groups_match_no_pattern_in_the_codes():
    groups = deal_groups(np.array([f"A{i:03}" for i in range(100)] + [f"B{i:03}" for i in range(100)]))
    from_a = np.bincount(groups[:100], minlength=20)
    assert from_a.min() > 0 and from_a.max() < 10


def test_the_jackknife_of_a_mean_is_the_textbook_standard_error():
    x = np.random.default_rng(0).normal(size=50)
    left_out = [np.delete(x, i).mean() for i in range(50)]
    assert jackknife_variance(left_out) == pytest.approx(x.var(ddof=1) / 50)
    assert jackknife_bias(x.mean(), left_out) == pytest.approx(0, abs=1e-12)


def test_the_jackknife_takes_the_bias_of_the_plain_variance_away():
    x = np.random.default_rng(1).normal(size=40)
    left_out = [np.delete(x, i).var() for i in range(40)]
    assert x.var() - jackknife_bias(x.var(), left_out) == pytest.approx(x.var(ddof=1))


def test_the_jackknife_interval_is_students_for_one_mean_and_clips():
    from scipy import stats

    x = np.random.default_rng(2).normal(size=30)
    interval = jackknife_interval(x.mean(), [np.delete(x, i).mean() for i in range(30)])
    low, high = stats.t.interval(0.95, 29, x.mean(), stats.sem(x))
    assert (interval.low, interval.high) == pytest.approx((low, high))
    clipped = jackknife_interval(0.99, [0.9, 1.0, 0.95], bounds=(0, 1))
    assert clipped.high == 1.0
    with pytest.raises(ValueError, match="two groups"):
        jackknife_interval(0.5, [0.5])


def test_two_samples_cover_the_truth_as_often_as_claimed():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        x, y = rng.normal(size=60), rng.normal(size=40)
        gx, gy = np.arange(60) % 20, np.arange(40) % 20
        interval = jackknife_interval(
            x.mean() - y.mean(),
            [x[gx != g].mean() - y.mean() for g in range(20)],
            [x.mean() - y[gy != g].mean() for g in range(20)],
        )
        hits += interval.low <= 0 <= interval.high
    assert 0.92 <= hits / 400 <= 0.98


@given(UNITS, st.integers(0, 5))
def test_the_bootstrap_draws_whole_patients(units, seed):
    for rows in bootstrap_rows(units, 3, np.random.default_rng(seed)):
        drawn, times = np.unique(rows, return_counts=True)
        for unit in np.unique(units[drawn]):
            assert len(set(times[units[drawn] == unit])) == 1
            assert set(np.flatnonzero(units == unit)) <= set(drawn)
        assert times.sum() >= len(np.unique(units))


def test_a_stratified_bootstrap_loses_no_class():
    strata = np.array(["a"] * 50 + ["b"] * 1)
    units = np.arange(51).astype(str)
    for rows in bootstrap_rows(units, 50, np.random.default_rng(0), strata):
        assert "b" in strata[rows] and len(rows) == 51


def test_percentile_limits_ignore_what_could_not_be_computed():
    low, high = percentile_interval([*range(101), float("nan")], 0.9)
    assert (low, high) == pytest.approx((5, 95))


def test_halves_are_halves_of_patients_and_their_scatter_is_the_standard_error():
    rng = np.random.default_rng(4)
    units = np.repeat(np.arange(100).astype(str), 2)
    masks = list(half_samples(units))
    assert len(masks) == 10
    assert all(mask.sum() == 100 for mask in masks)
    assert all(len(set(units[mask]) & set(units[~mask])) == 0 for mask in masks)
    np.testing.assert_array_equal(np.sum(masks, axis=0), 5)
    ratio = []
    for _ in range(200):
        x = np.repeat(rng.normal(size=100), 2)
        ratio.append(np.var([x[mask].mean() for mask in masks], ddof=1) / (1 / 100))
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.2)
