"""Limit of blank and limit of detection: known answers, false alarms, laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.stats import norm

from radassay.stats.detection import (
    Z_95,
    isotonic_means,
    limit_of_blank,
    limit_of_detection,
    percentile_factor,
    spread,
)

DOSES = (0.01, 0.02, 0.05, 0.1, 0.2)


def simulated(rng, slope, blanks=20, repeats=5, sd=1.0, doses=DOSES):
    return rng.normal(0, sd, blanks), [rng.normal(slope * dose, sd, repeats) for dose in doses]


def test_percentile_factor_is_the_printed_one():
    # EP17-A2: c_p = 1.645 / (1 - 1 / (4 (B - K))); B = 60 blanks of K = 5 samples give 1.652.
    assert percentile_factor(55) == pytest.approx(1.652, abs=5e-4)


def test_limit_of_blank_by_hand():
    assert limit_of_blank([1.0, 2.0, 3.0]) == pytest.approx(2.0 + Z_95 / (1 - 1 / 8))
    assert limit_of_blank([1.0, 2.0, 3.0], "lower") == pytest.approx(2.0 - Z_95 / (1 - 1 / 8))
    with pytest.raises(ValueError, match="3 blanks"):
        limit_of_blank([1.0, 2.0])


@pytest.mark.parametrize("blanks", [10, 20, 60])
def test_false_alarms_of_the_limit_of_blank_are_about_five_percent(blanks):
    rng = np.random.default_rng(1)
    alarms = [norm.sf(limit_of_blank(rng.normal(size=blanks))) for _ in range(4000)]
    assert 0.045 < np.mean(alarms) < 0.085


def test_many_repeats_recover_the_analytic_limit():
    rng = np.random.default_rng(2)
    slope = 40.0
    truth = 2 * Z_95 / slope
    found = [limit_of_detection(*_series(rng, slope, 400, 200), rng=rng, draws=100).limit for _ in range(20)]
    assert np.mean(found) == pytest.approx(truth, rel=0.03)


def _series(rng, slope, blanks, repeats):
    values = simulated(rng, slope, blanks, repeats)
    return values[0], DOSES, values[1]


def test_few_repeats_find_what_lies_above_the_limit_and_the_interval_covers():
    rng = np.random.default_rng(3)
    slope, truth = 40.0, 2 * Z_95 / 40.0
    power, low_power, covered = [], [], []
    for _ in range(300):
        found = limit_of_detection(*_series(rng, slope, 20, 5), rng=rng, draws=400)
        power.append(norm.sf(found.limit_of_blank - slope * found.limit))
        low_power.append(norm.sf(found.limit_of_blank - slope * found.limit / 4))
        covered.append(found.low <= truth <= found.high)
    assert np.mean(power) > 0.9
    assert np.mean(low_power) < 0.35
    assert np.mean(covered) > 0.88


def test_a_scatter_that_grows_with_the_dose_hides_no_smaller_dose():
    # As distances do: the mean grows with the square of the dose, the scatter with the dose.
    rng, doses = np.random.default_rng(8), (0.25, 0.5, 1.0, 2.0, 4.0)

    def mean(dose):
        return 20.0 * dose**2

    def scatter(dose):
        return 1.0 + 4.0 * dose

    fine = np.linspace(0.01, 4.0, 4000)
    truth = fine[np.argmax(mean(fine) - Z_95 * scatter(fine) > Z_95)]
    limits, power = [], []
    for _ in range(300):
        values = [rng.normal(mean(dose), scatter(dose), 5) for dose in doses]
        found = limit_of_detection(rng.normal(0, 1, 20), doses, values, rng=rng, draws=100)
        limits.append(found.limit)
        power.append(norm.sf((found.limit_of_blank - mean(found.limit)) / scatter(found.limit)))
    assert truth < doses[2]
    assert np.median(limits) == pytest.approx(truth, rel=0.2)
    assert np.quantile(limits, 0.95) < doses[2]
    assert np.mean(power) > 0.9


def test_the_power_at_each_dose_is_told():
    rng = np.random.default_rng(9)
    blanks, values = simulated(rng, 40.0, blanks=400, repeats=400)
    found = limit_of_detection(blanks, DOSES, values, rng=rng)
    truth = norm.sf(Z_95 - 40.0 * np.array(DOSES))
    assert found.doses == DOSES
    assert found.power == pytest.approx(truth, abs=0.05)


def test_a_measure_that_falls_is_watched_downwards():
    rng = np.random.default_rng(4)
    blanks, values = simulated(rng, 100.0)
    up = limit_of_detection(blanks, DOSES, values, "higher", rng=np.random.default_rng(0))
    down = limit_of_detection(-blanks, DOSES, [-v for v in values], "lower", rng=np.random.default_rng(0))
    assert down.limit == pytest.approx(up.limit)
    assert down.limit_of_blank == pytest.approx(-up.limit_of_blank)
    assert (down.low, down.high) == pytest.approx((up.low, up.high))


@pytest.mark.parametrize(("slope", "reason"), [(0.0, "not seen at any dose tried"), (-100.0, "it falls instead")])
def test_what_is_not_seen_says_so(slope, reason):
    blanks, values = simulated(np.random.default_rng(5), slope)
    found = limit_of_detection(blanks, DOSES, values, rng=np.random.default_rng(0))
    assert found.limit is None
    assert found.low is None
    assert reason in found.reason


def test_a_limit_below_the_lowest_dose_is_not_claimed():
    blanks, values = simulated(np.random.default_rng(6), 10_000.0)
    found = limit_of_detection(blanks, DOSES, values, rng=np.random.default_rng(0))
    assert found.limit == DOSES[0]
    assert "lowest dose" in found.reason


def test_counts_that_stay_zero_in_blanks_are_handled():
    silent = limit_of_detection([0.1] * 20, DOSES, [[0.1] * 5] * 5, rng=np.random.default_rng(0))
    assert silent.limit is None
    counts = limit_of_detection(
        [0.0] * 20, DOSES, [[0.0] * 5, *([float(k)] * 5 for k in (1, 3, 6, 12))], rng=np.random.default_rng(0)
    )
    assert counts.limit == pytest.approx(0.02)  # missed at 0.01, with no noise to interpolate by
    rare = limit_of_detection([0.0] * 20, DOSES, [[0, 0, 1, 0, 1.0]] * 5, rng=np.random.default_rng(0))
    assert rare.limit is None
    # Seen in two of five repeats is missed too often, however quiet the blanks are.
    steep = [[0, 0, 1, 0, 1.0], [3, 2, 3, 3, 2.0], *([float(k)] * 5 for k in (6, 12, 24))]
    assert limit_of_detection([0.0] * 20, DOSES, steep, rng=np.random.default_rng(0)).limit > 0.01


def test_a_dose_missed_above_a_dose_seen_takes_the_claim_away():
    rng = np.random.default_rng(7)
    blanks = rng.normal(size=20)
    values = [rng.normal(m, 0.1, 5) for m in (10, 20, 30, 40)] + [rng.normal(40, 60.0, 5)]
    found = limit_of_detection(blanks, DOSES, values, rng=rng)
    assert found.limit is None or found.limit > DOSES[-2]


def test_a_bump_is_called_not_monotone():
    rng = np.random.default_rng(8)
    values = [rng.normal(m, 1.0, 5) for m in (0, 10, 30, 30, 5)]
    found = limit_of_detection(rng.normal(size=20), DOSES, values, rng=rng)
    assert not found.monotone
    assert "not monotone" in found.reason


def test_too_little_says_so():
    assert "2 blanks" in limit_of_detection([0, 1], DOSES, [[1, 2]] * 5, rng=np.random.default_rng(0)).reason
    assert "two values" in limit_of_detection([0, 1, 2], DOSES, [[1]] * 5, rng=np.random.default_rng(0)).reason


numbers = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))


@given(st.lists(st.tuples(numbers, st.integers(1, 30)), min_size=1, max_size=8))
def test_isotonic_means_equal_scipy(pairs):
    means, weights = np.array(pairs, dtype=float).T
    assert isotonic_means(means, weights) == pytest.approx(isotonic_regression(means, weights=weights).x, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(10, 200), st.floats(0.01, 100), st.floats(-50, 50))
def test_a_change_of_scale_changes_nothing(seed, slope, scale, shift):
    blanks, values = simulated(np.random.default_rng(seed), slope)
    one = limit_of_detection(blanks, DOSES, values, rng=np.random.default_rng(0), draws=100)
    two = limit_of_detection(
        scale * blanks + shift, DOSES, [scale * v + shift for v in values], rng=np.random.default_rng(0), draws=100
    )
    assert (one.limit is None) == (two.limit is None)
    if one.limit is not None:
        assert two.limit == pytest.approx(one.limit, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(20, 200), st.floats(1.0, 5.0))
def test_a_stronger_response_never_has_a_higher_limit(seed, slope, factor):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(6, 20))
    weak, strong = (
        limit_of_detection(
            noise[0],
            DOSES,
            [s * d + n[:5] for d, n in zip(DOSES, noise[1:], strict=True)],
            rng=np.random.default_rng(0),
            draws=100,
        ).limit
        for s in (slope, slope * factor)
    )
    assert weak is None or (strong is not None and strong <= weak + 1e-9)


def test_spread_promises_no_more_than_the_values_can():
    rng = np.random.default_rng(9)
    inside = []
    for _ in range(4000):
        values = rng.exponential(size=6)
        low, high, level = spread(values[:5])
        inside.append(low <= values[5] <= high)
    assert level == pytest.approx(4 / 6)
    assert np.mean(inside) == pytest.approx(level, abs=0.03)
    assert spread(np.arange(1000))[2] == 0.95


def test_same_state_same_interval():
    blanks, values = simulated(np.random.default_rng(10), 50.0)
    one, two = (limit_of_detection(blanks, DOSES, values, rng=np.random.default_rng(3)) for _ in range(2))
    assert one == two
