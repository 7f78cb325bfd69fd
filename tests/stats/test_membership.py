"""Rates at few false alarms: right on average for members like the others, and limits that hold the truth."""

import numpy as np
import pytest
from scipy.stats import norm

from radassay.stats.membership import calibrated, lowest_rate, rate_at


@pytest.mark.parametrize("m", [99, 120, 250])
def test_members_like_the_others_are_found_at_the_wanted_rate(m):
    rng = np.random.default_rng(m)
    values = [rate_at(rng.normal(size=150), rng.normal(size=m), 0.01).value for _ in range(400)]
    assert np.mean(values) == pytest.approx(0.01, abs=3 * np.std(values) / 20)


@pytest.mark.parametrize(("m", "share"), [(120, 0.0), (120, 0.3), (800, 0.1)])
def test_limits_hold_the_true_rate(m, share):
    rng = np.random.default_rng(7)
    truth = (1 - share) * 0.01 + share * norm.sf(norm.isf(0.01) - 3)
    hits = 0
    for _ in range(200):
        members = rng.normal(size=200) + 3 * (rng.random(200) < share)
        found = rate_at(members, rng.normal(size=m), 0.01)
        assert 0 <= found.low <= found.value <= found.high <= 1
        hits += found.low <= truth <= found.high
    assert hits >= 184


def test_limits_narrow_where_the_threshold_is_known():
    rng = np.random.default_rng(3)
    members = np.where(np.arange(1000) < 200, 9.0, rng.normal(size=1000))
    few, many = (rate_at(members, rng.normal(size=m), 0.01) for m in (120, 5000))
    assert few.low == 0.0  # no other may lie above the true threshold, which is then unknown
    assert 0.17 < many.low < 0.21 < many.high < 0.25


def test_too_few_others_are_refused():
    assert lowest_rate(49) == pytest.approx(0.02)
    scores = np.arange(49.0)
    assert rate_at(np.array([48.5, 1.0]), scores, 0.02).value == 0.5
    with pytest.raises(ValueError, match="cannot set"):
        rate_at(scores, scores, 0.01)


def test_an_image_near_to_everything_is_no_member():
    score = calibrated(np.array([0.1, 1.0, 0.1]), np.array([1.0, 1.0, 0.1]))
    assert score[0] > 2
    assert score[1] == score[2] == pytest.approx(0.0)
    assert np.isfinite(calibrated(np.zeros(3), np.zeros(3))).all()
