"""Intervals of many areas that hold together."""

import numpy as np
import pytest
from scipy.stats import norm

from radassay.stats.auc import area
from radassay.stats.simultaneous import simultaneous_areas

TOGETHER = 0.6
"""Correlation of the scores below."""


def noise(rng, n, m):
    """m scores of n images, standard normal and correlated."""
    return np.sqrt(TOGETHER) * rng.normal(size=(1, n)) + np.sqrt(1 - TOGETHER) * rng.normal(size=(m, n))


def scores(rng, n, m=12):
    return noise(rng, n, m), np.arange(n) >= n // 2


def test_one_area_alone_has_the_interval_of_an_area():
    rng = np.random.default_rng(1)
    x, positive = scores(rng, 400, m=1)
    units = np.arange(400).astype(str)
    found, alone = simultaneous_areas(x, positive, units, rng), area(x[0], positive, units)
    assert found.quantile == pytest.approx(1.97, abs=0.06)
    assert (found.low[0], found.high[0]) == pytest.approx((alone.low, alone.high), abs=0.003)


def test_the_same_score_again_and_again_costs_nothing_and_others_less_than_bonferroni():
    rng = np.random.default_rng(2)
    x, positive = scores(rng, 400)
    units = np.arange(400).astype(str)
    again = simultaneous_areas(np.repeat(x[:1], 12, axis=0), positive, units, rng).quantile
    different = simultaneous_areas(x, positive, units, rng).quantile
    assert again == pytest.approx(1.97, abs=0.06)
    assert again < different < norm.ppf(1 - 0.025 / 12)


def test_constant_and_separated_scores_have_intervals():
    rng = np.random.default_rng(3)
    x, positive = scores(rng, 60, m=3)
    x[1], x[2] = 0.0, positive
    found = simultaneous_areas(x, positive, np.arange(60).astype(str), rng)
    assert found.values[1] == 0.5 and found.low[1] < 0.5 < found.high[1]
    assert found.values[2] == 1 and 0.8 < found.low[2] < 1 and found.high[2] == 1


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_all_intervals_hold_at_once_in_95_of_100(shift):
    rng = np.random.default_rng(4)
    steps = shift * np.linspace(0, 1, 12)
    truth = norm.cdf(steps / np.sqrt(2))
    positive = np.arange(200) >= 100
    units = (np.arange(200) // 2).astype(str)
    held = 0
    for _ in range(1000):
        # Two images of each patient, who are alike, so that patients and not images count.
        patients = np.repeat(noise(rng, 100, 12), 2, axis=1)
        x = np.sqrt(0.7) * patients + np.sqrt(0.3) * noise(rng, 200, 12) + steps[:, None] * positive
        found = simultaneous_areas(x, positive, units, rng)
        held += bool(((found.low <= truth) & (truth <= found.high)).all())
    assert 0.92 <= held / 1000 <= 0.98
