"""The share of new images outside the ordinary range is the one that was promised."""

import numpy as np
import pytest

from radassay.checks.ordinary import Ordinary, _quantiles

BOTH = np.zeros(4, dtype=bool)


def fit(x, low_alone=None):
    return Ordinary.fit(x, BOTH[: x.shape[1]] if low_alone is None else low_alone, np.arange(len(x)) % 5)


def test_quantiles_are_those_of_what_is_there():
    x = np.random.default_rng(0).normal(size=(50, 3))
    x[:20, 1], x[:, 2] = np.nan, np.nan
    found = _quantiles(x, (0.05, 0.5))
    np.testing.assert_allclose(found[:, :2], np.nanquantile(x[:, :2], [0.05, 0.5], axis=0))
    assert (found[:, 2] == 0).all()


@pytest.mark.parametrize("n", [30, 150, 400])
def test_new_images_overstep_as_often_as_expected(n):
    rng = np.random.default_rng(n)
    outside, expected = [], []
    for _ in range(300):
        x = rng.standard_t(3, (n + 100, 4)) * [1, 5, 0.1, 2] + 3
        ordinary = fit(x[:n])
        outside.append(ordinary.outside(x[n:]).mean())
        expected.append(ordinary.expected)
    assert len(set(expected)) == 1
    assert expected[0] <= max(0.01, 1 / (n + 1))
    assert np.mean(outside) == pytest.approx(expected[0], abs=4 * np.std(outside) / 300**0.5 + 0.002)


def test_long_tails_of_one_measure_leave_the_others_their_limits():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 2))
    x[:10, 0] = 1000.0
    low, high = fit(x).ends
    assert -8 < low[1] < high[1] < 8
    assert fit(x).outside(np.array([[0.0, 9.0], [0.0, 0.0]])).tolist() == [True, False]


def test_ends_are_where_images_begin_to_be_outside():
    rng = np.random.default_rng(1)
    ordinary = fit(rng.normal(size=(300, 3)), np.array([False, False, True]))
    low, high = ordinary.ends
    assert high[2] == np.inf
    for column in range(3):
        for end, sign in ((low, 1), (high, -1)):
            if np.isfinite(end[column]):
                at = np.array([ordinary.middle, ordinary.middle])
                at[0, column], at[1, column] = end[column] - sign * 1e-6, end[column] + sign * 1e-6
                assert ordinary.outside(at).tolist() == [True, False]


def test_a_measure_that_fails_counts_only_where_it_seldom_does():
    x = np.random.default_rng(2).normal(size=(300, 2))
    missing = np.array([[np.nan, 0.0]])
    assert fit(x).outside(missing)[0]
    x[:30, 0] = np.nan
    assert not fit(x).outside(missing)[0]
