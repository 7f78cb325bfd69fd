"""The copy test holds its false alarm rate and finds copies."""

import numpy as np
import pytest
from scipy import stats

from radassay.stats.copies import excess, excess_p, nearness


@pytest.mark.parametrize("order", [1, 3])
def test_the_tail_is_that_of_shuffled_labels(order):
    rng, m, n = np.random.default_rng(0), 12, 9
    counts = []
    for _ in range(20_000):
        held_out = np.sort(rng.permutation(m + n)[:m])
        counts.append(held_out[order - 1] - (order - 1))  # generated images before it
    for found in range(n + 1):
        assert excess_p(found, order, m, n) == pytest.approx(np.mean(np.array(counts) >= found), abs=0.015)
    assert excess_p(4, order, m, n) == pytest.approx(stats.nhypergeom(m + n, n, order).sf(3))


@pytest.mark.parametrize(("m", "n"), [(40, 300), (300, 300), (300, 60)])
def test_no_false_alarm_without_copies_and_honest_limits(m, n):
    rng = np.random.default_rng(1)
    results = [excess(rng.normal(size=m), rng.normal(size=n), level=None) for _ in range(1000)]
    assert np.mean([r.p <= 0.05 for r in results]) <= 0.065
    lows = [excess(rng.normal(size=m), rng.normal(size=n)).low for _ in range(40)]
    assert np.mean(np.array(lows) > 0) <= 0.1


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_limits_hold_the_true_share_and_copies_are_found(share):
    rng, hits, alarms, values = np.random.default_rng(2), 0, 0, []
    for _ in range(60):
        copied = rng.random(400) < share
        result = excess(rng.normal(size=300), np.where(copied, -9 + rng.normal(size=400), rng.normal(size=400)))
        hits += result.low <= share <= result.high
        alarms += result.p < 0.05
        values.append(result.share)
    assert hits >= 56
    assert alarms >= 54
    assert np.mean(values) == pytest.approx(share, abs=0.02)


def test_leaked_held_out_images_do_not_blind_it():
    rng = np.random.default_rng(3)
    held_out, synthetic = rng.normal(size=300), rng.normal(size=300)
    held_out[:4] = -50  # the same radiograph under another name
    synthetic[:30] = -20
    assert excess(held_out, synthetic).p < 0.01


def test_nearness_tells_copies_from_images_near_to_everything():
    rng = np.random.default_rng(4)
    training = rng.normal(size=(300, 20))
    fresh, copies, centre = (
        rng.normal(size=(50, 20)),
        training[:50] + 0.1 * rng.normal(size=(50, 20)),
        np.zeros((50, 20)),
    )
    near = {
        k: nearness(v, training, np.arange(300)) for k, v in {"fresh": fresh, "copy": copies, "mean": centre}.items()
    }
    np.testing.assert_array_equal(near["copy"].row, np.arange(50))
    assert near["copy"].closeness.max() < near["fresh"].closeness.min() - 0.3
    assert near["mean"].closeness.mean() > near["fresh"].closeness.min()
    assert (near["mean"].distance < near["fresh"].distance).all()


def test_own_patient_is_passed_over_and_exact_copies_are_finite(monkeypatch):
    rng = np.random.default_rng(5)
    training, codes = np.repeat(rng.normal(size=(30, 4)), 3, axis=0), np.repeat(np.arange(30), 3)
    own = nearness(training, training, codes, codes)
    assert (own.distance > 0).all()
    assert (codes[own.row] != codes).all()
    exact = nearness(training, training, codes)
    assert (exact.distance < 1e-6).all()
    assert np.isfinite(exact.closeness).all()
    monkeypatch.setattr("radassay.stats.copies.BLOCK_CELLS", 200)
    np.testing.assert_array_equal(nearness(training, training, codes, codes).closeness, own.closeness)
    with pytest.raises(ValueError, match="three"):
        nearness(training, training[:6], codes[:6])


def test_images_far_from_training_do_not_make_the_upper_limit_vanish():
    held_out, far = np.linspace(1, 2, 200), np.full(600, 5.0)
    found = excess(held_out, far)
    assert found.share == 0
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 600))
