"""Drift over the order of reading is found where it is, and not where it is not."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import stats

from radassay.errors import SettingsError
from radassay.stats.learning_effect import drift_of_readers, drift_of_these_readers


def study(seed, change, readers=6, images=120):
    """Right answers whose log-odds change from first to last; images differ in how hard they are."""
    rng = np.random.default_rng(seed)
    image = np.stack([rng.permutation(images) for _ in range(readers)])
    order = np.tile(np.arange(images), (readers, 1))
    hard = 0.8 * rng.standard_normal(images)
    odds = 0.4 + change * order / (images - 1) + hard[image] + 0.3 * rng.standard_normal((readers, 1))
    right = rng.random(odds.shape) < 1 / (1 + np.exp(-odds))
    who = np.repeat(np.arange(readers), images)
    return right.ravel().astype(float), order.ravel(), who, image.ravel()


def test_readers_changes_are_plain_slopes_and_a_t_test():
    right, order, who, _ = study(0, 1.0)
    found = drift_of_readers(right, order, who)
    slopes = [stats.linregress(order[who == r] / 119, right[who == r]).slope for r in range(6)]
    np.testing.assert_allclose(found.readers, slopes)
    assert found.p == pytest.approx(float(stats.ttest_1samp(slopes, 0).pvalue))
    assert found.change == pytest.approx(np.mean(slopes)) and found.low < found.change < found.high


def test_learning_is_found():
    pytest.importorskip("statsmodels")
    right, order, who, image = study(1, 1.5, images=300)
    assert drift_of_readers(right, order, who).low > 0
    found = drift_of_these_readers(right, order, who, image, synthetic=image % 2 == 0)
    assert found.log_odds and 0 < found.low < found.change < found.high


def test_the_common_change_is_that_of_all_images_together():
    """Hard and easy images mixed flatten the curve by 1 / sqrt(1 + 0.346 variance) (Zeger et al., Biometrics 1988)."""
    pytest.importorskip("statsmodels")
    changes = [drift_of_these_readers(*study(seed, 1.5, images=200)).change for seed in range(12)]
    error = np.std(changes, ddof=1) / np.sqrt(12)
    assert np.mean(changes) == pytest.approx(1.5 / np.sqrt(1 + 0.346 * 0.64), abs=3 * error)


def test_false_alarms_are_at_their_nominal_rate():
    alarms = [drift_of_readers(*study(seed, 0.0)[:3]).p < 0.05 for seed in range(400)]
    assert 0.02 <= np.mean(alarms) <= 0.085


def test_false_alarms_of_estimating_equations():
    pytest.importorskip("statsmodels")
    alarms = [drift_of_these_readers(*study(seed, 0.0)).p < 0.05 for seed in range(100)]
    assert np.mean(alarms) <= 0.12


def test_seconds_take_a_linear_model():
    pytest.importorskip("statsmodels")
    rng = np.random.default_rng(2)
    _, order, who, image = study(2, 0.0)
    seconds = 30 - 8 * order / 119 + rng.standard_normal(len(order))
    seconds[5] = np.nan
    found = drift_of_these_readers(seconds, order, who, image, right_or_wrong=False)
    assert found.low < -8 < found.high and not found.log_odds
    assert drift_of_readers(seconds, order, who).change == pytest.approx(-8, abs=0.5)


def test_where_the_order_starts_does_not_matter():
    right, order, who, _ = study(3, 0.5)
    one, two = drift_of_readers(right, order, who), drift_of_readers(right, 3 * order + 7, who)
    assert one.change == pytest.approx(two.change) and one.p == pytest.approx(two.p)


def test_what_cannot_be_said_is_refused(monkeypatch):
    right, order, who, image = study(4, 0.0, readers=2, images=20)
    with pytest.raises(ValueError, match="two readers"):
        drift_of_readers(right[:20], order[:20], who[:20])
    with pytest.raises(ValueError, match="three"):
        drift_of_readers(right[:22], order[:22], who[:22])
    with pytest.raises(ValueError, match="one entry"):
        drift_of_readers(right, order[:-1], who)
    monkeypatch.setitem(sys.modules, "statsmodels.api", None)
    with pytest.raises(SettingsError, match="radassay\\[reading\\]"):
        drift_of_these_readers(right, order, who, image)


def test_few_patients_and_strange_answers_are_refused():
    pytest.importorskip("statsmodels")
    right, order, who, image = study(5, 0.0, readers=2, images=20)
    with pytest.raises(ValueError, match="ten patients"):
        drift_of_these_readers(right, order, who, image % 5)
    with pytest.raises(ValueError, match="0 or 1"):
        drift_of_these_readers(right * 3, order, who, image)
