"""The exchange rate on learning curves whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from radassay.stats.exchange import exchange, statement
from radassay.stats.learning_curve import monotone, power_law

SIZES = np.array([40, 60, 90, 135, 200])
FITS = pytest.mark.parametrize("fit", [power_law, monotone], ids=lambda f: f.__name__)


def area(n):
    return 0.95 - 1.1 * np.asarray(n, dtype=float) ** -0.4


def world(seed, worth, *, base=80, trainings=6, patients=200, pool=np.inf, quality=0.5):
    """Return the arguments of `exchange`: an arm of `base` patients with images worth `worth` more."""
    rng = np.random.default_rng(seed)
    labels = np.arange(patients) % 2 == 0
    person = 0.9 * rng.normal(size=patients)
    people = quality * rng.normal(size=400)

    def scores(n, own):
        distance = np.sqrt(2) * norm.ppf(area(n)) + own + 0.03 * rng.normal()
        return distance * labels + person + np.sqrt(0.19) * rng.normal(size=patients)

    drawn = np.empty((len(SIZES), trainings, patients))
    mixed = np.empty((trainings, patients))
    for s in range(trainings):
        own = rng.permutation(people) if np.isfinite(pool) else quality * rng.normal(size=400)
        for k, n in enumerate(SIZES):
            drawn[k, s] = scores(n, own[:n].mean())
        mixed[s] = scores(base + worth, own[: base + worth].mean())
    return {
        "sizes": SIZES,
        "scores": drawn,
        "mixed": mixed,
        "labels": labels,
        "patients": np.arange(patients).astype(str),
        "base": base,
    }


def precise(worth):
    """Return a world so large that chance is small."""
    return world(0, worth, trainings=10, patients=3000, quality=0.05)


@FITS
@pytest.mark.parametrize("worth", [60, 0, -25])
def test_patients_added_gained_or_lost_are_found(fit, worth):
    found = exchange(**precise(worth), curve=fit)
    assert found.patients == pytest.approx(worth, abs=15)
    assert found.low <= worth <= found.high
    assert found.beyond == ""


@FITS
def test_what_the_curve_has_not_seen_is_said_to_be_beyond_and_not_extrapolated(fit):
    better, worse = exchange(**precise(600), curve=fit), exchange(**precise(-60), curve=fit)
    assert (better.patients, better.high, better.beyond) == (None, None, "above")
    assert better.low == better.seen[1] == 120
    assert (worse.patients, worse.low, worse.beyond) == (None, None, "below")
    assert worse.high == worse.seen[0] == -40


@FITS
@given(st.integers(0, 10_000), st.sampled_from([-30, 0, 50]))
@settings(max_examples=15, deadline=None)
def test_limits_enclose_the_estimate_and_the_smaller_level_the_narrower_interval(fit, seed, worth):
    given_ = world(seed, worth, patients=80)
    wide, narrow = (exchange(**given_, curve=fit, level=level) for level in (0.95, 0.6))
    lows = [-np.inf if f.low is None else f.low for f in (wide, narrow)]
    highs = [np.inf if f.high is None else f.high for f in (wide, narrow)]
    assert lows[0] <= lows[1]
    assert highs[1] <= highs[0]
    if narrow.patients is not None:
        assert lows[1] <= narrow.patients <= highs[1]
    assert wide.curve.shape[0] == 4
    assert (wide.curve[2] <= wide.curve[1]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": SIZES[::-1]}, "ascending"),
        ({"sizes": SIZES[:4]}, "do not fit"),
        ({"patients": np.full(200, "one")}, "two patients"),
    ],
)
def test_what_cannot_answer_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        exchange(**{**world(0, 0), **changes})


def test_what_is_said_names_the_limits_and_what_lies_beyond_the_curve():
    known, better, worse = (exchange(**precise(worth)) for worth in (20, 600, -60))
    assert statement(known).startswith(f"as good as {known.patients:+.0f} real patients (95 % interval")
    assert statement(better) == (
        "better than anything the curve has seen: as good as more than +120 real patients, which is as far as it goes"
    )
    assert "worse than anything the curve has seen" in statement(worse)
    open_above = replace(known, low=None, high=None)
    assert statement(open_above).startswith("cannot be told")
    assert "+120 or more" in statement(replace(known, high=None))
    assert "-40 or fewer" in statement(replace(known, low=None))


def test_one_training_is_refused():
    with pytest.raises(ValueError, match="two trainings"):
        exchange(**world(0, 0, trainings=1))


@given(st.floats(0.1, 2.5), st.floats(0.6, 0.99), st.floats(0.2, 2))
@settings(max_examples=30, deadline=None)
def test_a_power_law_without_noise_is_found(c, a, b):
    sizes = np.array([20.0, 40, 80, 160, 320])
    truth = a - b * (sizes / 20) ** -c / 10
    fit = power_law(sizes, truth, np.full(5, 1e-4))
    grid = np.array([25.0, 100, 300])
    np.testing.assert_allclose(fit.at(grid)[0], a - b * (grid / 20) ** -c / 10, atol=2e-4)


@FITS
@given(st.lists(st.floats(0.5, 0.95), min_size=5, max_size=5, unique=True), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_slopes_are_what_a_small_change_of_each_point_changes(fit, areas, seed):
    """They add up to one: all points higher by as much lift the curve by as much."""
    variances = np.random.default_rng(seed).uniform(0.5, 2, 5) * 1e-4
    values, slopes = fit(SIZES.astype(float), np.array(areas), variances).at(np.array([50.0, 100, 180]))
    np.testing.assert_allclose(slopes.sum(axis=1), 1, atol=1e-6)
    lifted = fit(SIZES.astype(float), np.array(areas) + 0.01, variances).at(np.array([50.0, 100, 180]))[0]
    np.testing.assert_allclose(lifted, values + 0.01, atol=1e-4)


@given(st.lists(st.floats(0.5, 0.95), min_size=5, max_size=5))
def test_the_monotone_curve_never_falls_and_leaves_rising_points_alone(areas):
    sizes = SIZES.astype(float)
    values = monotone(sizes, np.array(areas), np.full(5, 1e-4)).at(np.geomspace(40, 200, 50))[0]
    assert (np.diff(values) >= -1e-12).all()
    rising = np.sort(areas)
    np.testing.assert_allclose(monotone(sizes, rising, np.full(5, 1e-4)).at(sizes)[0], rising, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("worth", "pool"), [(50, np.inf), (0, np.inf), (0, 400)])
def test_the_interval_holds_the_truth(worth, pool):
    held = 0
    for seed in range(200):
        found = exchange(**world(seed, worth, pool=pool, trainings=10))
        held += (found.low is None or found.low <= worth) and (found.high is None or found.high >= worth)
    assert 0.90 <= held / 200 <= 0.98
