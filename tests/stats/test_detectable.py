"""The detectable area against a simulation of what is detected."""

import numpy as np
import pytest
from scipy.stats import norm

from radassay.stats.auc import area
from radassay.stats.detectable import detectable_area, detectable_difference, detectable_share
from radassay.stats.proportion import wilson


@pytest.mark.parametrize(("positives", "negatives"), [(60, 60), (40, 160)])
def test_an_area_at_the_limit_is_seen_about_95_times_in_100(positives, negatives):
    limit = detectable_area(positives, negatives, 0.6)
    target = np.arange(positives + negatives) < positives
    units = np.arange(len(target)).astype(str)

    def seen(true):
        rng = np.random.default_rng(3)
        shift = np.sqrt(2) * norm.ppf(true)
        scores = [rng.normal(0, 1, len(target)) + shift * target for _ in range(300)]
        return np.mean([area(s, target, units).low >= 0.6 for s in scores])

    assert seen(limit) >= 0.92
    assert seen(0.6 + 0.6 * (limit - 0.6)) < 0.9


def test_more_patients_see_smaller_areas_and_a_bound_is_never_undercut():
    limits = [detectable_area(n, n, 0.6) for n in (10, 30, 100, 1000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] > 0.6


def test_an_area_needs_patients_of_both_kinds():
    with pytest.raises(ValueError, match="with and without"):
        detectable_area(0, 10, 0.6)


def test_a_difference_lies_beyond_its_bound_by_both_errors():
    assert detectable_difference(1.96, 0.0) == pytest.approx(1.96 + 1.645, abs=1e-2)


def test_a_detectable_share_is_seen_as_often_as_promised() -> None:
    limit = detectable_share(300, 0.02)
    hits = np.random.default_rng(0).binomial(300, limit, 4000)
    seen = np.mean([wilson(int(k), 300)[0] > 0.02 for k in hits])
    assert 0.94 < seen < 0.97
    below = np.random.default_rng(1).binomial(300, 0.9 * limit, 4000)
    assert np.mean([wilson(int(k), 300)[0] > 0.02 for k in below]) < 0.94


def test_a_handful_of_patients_shows_no_small_share() -> None:
    limits = [detectable_share(n, 0.02) for n in (2, 10, 100, 1000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] > 0.7
    with pytest.raises(ValueError, match="units"):
        detectable_share(0, 0.02)
