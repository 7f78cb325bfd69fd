"""The area within strata: what a confounder adds falls away, what the disease adds stays."""

import numpy as np
import pytest

from radassay.stats.adjusted import adjusted_area, adjustment, matchable
from radassay.stats.auc import auc
from radassay.stats.proportion import share, share_difference


def cohort(n, seed, tie):
    """Labels, a stratum tied to them, and patients."""
    rng = np.random.default_rng(seed)
    ill = rng.random(n) < 0.5
    old = rng.random(n) < np.where(ill, 0.5 + tie / 2, 0.5 - tie / 2)
    return rng, ill, np.where(old, "old", "young"), np.arange(n).astype(str)


def test_one_stratum_is_the_plain_area():
    rng, ill, _, _ = cohort(60, 0, 0)
    scores = rng.normal(size=60)
    assert adjusted_area(scores, ill, np.full(60, "all")) == pytest.approx(auc(scores, ill))


def test_scores_that_only_read_the_stratum_say_nothing_inside_it():
    _, ill, strata, patients = cohort(400, 1, 0.8)
    scores = (strata == "old").astype(float)
    found = adjustment(scores, ill, strata, patients)
    assert found.crude[0] > 0.8
    assert found.adjusted[0] == 0.5
    assert found.change[1].high < -0.25


def test_scores_that_read_the_disease_alone_stay():
    changes, held = [], 0
    for seed in range(20):
        rng, ill, strata, patients = cohort(400, seed, 0.8)
        scores = ill + rng.normal(size=400)
        value, limits = adjustment(scores, ill, strata, patients).change
        changes.append(value)
        held += limits.low <= 0 <= limits.high
    assert abs(np.mean(changes)) < 0.02
    assert held >= 17  # 95 of 100, less what chance takes from 20


def test_images_without_a_match_are_known():
    ill = np.array([True, False, True, False])
    assert matchable(ill, np.array(["a", "a", "b", "c"])).tolist() == [True, True, False, False]
    with pytest.raises(ValueError, match="no stratum"):
        adjusted_area(np.zeros(2), ill[:2], np.array(["b", "c"]))


def test_a_difference_of_shares_is_that_of_its_parts_and_turns_with_its_groups():
    rng = np.random.default_rng(4)
    hit, first = rng.random(120) < 0.3, rng.random(120) < 0.4
    patients = rng.integers(0, 60, 120).astype(str)
    found, turned = share_difference(hit, first, patients), share_difference(hit, ~first, patients)
    assert found.value == pytest.approx(hit[first].mean() - hit[~first].mean())
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert turned.value == pytest.approx(-found.value)
    assert turned.low == pytest.approx(-found.high)
    none = share_difference(np.zeros(120, dtype=bool), first, patients)
    assert none.low == pytest.approx(-share(np.zeros(int((~first).sum()), dtype=bool), patients[~first]).high)
