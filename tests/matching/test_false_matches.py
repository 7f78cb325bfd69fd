"""The estimate of false matches, and the threshold that rises where other pairs come near it."""

import numpy as np
import pytest

from radassay.matching.false_matches import HIGHEST, clear_of, false_matches, raised


def scores(seed, n=2000, scale=0.06):
    return np.minimum(np.random.default_rng(seed).exponential(scale, n), 1)


def test_estimate_is_near_what_comes_and_its_limit_mostly_above():
    truth = 2000 * np.exp(-0.5 / 0.06)
    found = [false_matches(scores(seed), 0.5) for seed in range(200)]
    assert np.median([f.expected for f in found]) == pytest.approx(truth, rel=0.5)
    assert np.mean([f.high >= truth for f in found]) > 0.88


def test_too_few_scores_give_no_estimate_and_leave_the_threshold():
    assert false_matches(np.array([0.3, 0.4]), 0.8) is None
    assert raised(np.array([0.3, 0.4, 0.99]), 0.8) == 0.8


def test_threshold_rises_with_the_tail_but_leaves_room_for_exact_copies():
    low, near = raised(scores(0, scale=0.05), 0.78), raised(np.clip(0.4 + scores(0, scale=0.06), 0, 1), 0.78)
    assert low == 0.78 < near <= HIGHEST
    assert raised(np.linspace(0.3, 0.78, 400), 0.78) <= HIGHEST


def test_a_threshold_clear_of_other_patients_is_seldom_reached_by_more_of_them():
    rng = np.random.default_rng(8)
    reached = 0
    for _ in range(200):
        others, more = (np.clip(0.3 + 0.05 * rng.exponential(size=60), 0, 1) for _ in range(2))
        limit = clear_of(others)
        assert limit >= others.max()
        reached += np.count_nonzero(more >= limit)
    assert reached / 200 < 1.0


def test_a_threshold_rises_with_the_pairs_to_be_judged_and_never_falls_below_those_seen():
    others = np.concatenate([np.zeros(40), np.linspace(0.4, 0.6, 20)])
    assert 0.6 <= clear_of(others) < clear_of(others, 10.0)
    assert clear_of(np.array([0.0, 0.2, 0.3])) == 0.3
    assert clear_of(np.zeros(9)) == clear_of(np.empty(0)) == 0.0
