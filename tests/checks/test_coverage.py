"""Variety lost is variety missed."""

import numpy as np
from drawn_images import by_name, fresh, repainted

from radassay.checks.coverage import MEASURES, Coverage


def measured(inputs, part="all", check=None):
    return by_name((check or Coverage()).measure(inputs, np.random.default_rng(0)), part)


def test_new_draws_cover_and_are_precise():
    results = measured(fresh(0))
    assert results["coverage"].low > 0.8
    assert abs(results["precision"].value - results["recall"].value) < 0.2


def test_collapse_takes_recall_and_coverage_not_precision():
    inputs = fresh(1)
    rng = np.random.default_rng(0)
    pixels = inputs.synthetic.pixels[rng.integers(0, 5, 300)] + 0.01 * rng.standard_normal((300, 32, 32))
    whole, collapsed = measured(inputs), measured(repainted(inputs, pixels))
    assert collapsed["coverage"].high < 0.2 < whole["coverage"].low
    assert collapsed["recall"].high < whole["recall"].low
    assert collapsed["precision"].value > 0.5


def test_noise_takes_precision_and_density():
    inputs = fresh(2)
    noisy = inputs.synthetic.pixels + 0.3 * np.random.default_rng(0).standard_normal((300, 8, 8)).repeat(4, 1).repeat(
        4, 2
    )
    results = measured(repainted(inputs, noisy))
    assert results["precision"].high < 0.5
    assert results["density"].high < 0.5


def test_a_label_left_out_shows_in_its_own_slice():
    inputs = fresh(3)
    normal = inputs.synthetic.pixels[inputs.synthetic.labels == "normal"]
    results = repainted(inputs, np.concatenate([normal, normal]))
    assert (
        measured(results, "label=covid")["coverage"].value < measured(results, "label=normal")["coverage"].value - 0.1
    )


def test_intervals_hold_new_samples_of_the_same_size():
    """The middle of many samples lies in most intervals, which are clipped to the range of the measure."""
    results = [measured(fresh(seed, 120)) for seed in range(20)]
    assert abs(np.mean([r["density"].value for r in results]) - 1.0) < 0.12  # exactly 1 in expectation (Naeem 2020)
    for name in MEASURES:
        middle = np.mean([r[name].value for r in results])
        assert sum(r[name].low <= middle <= r[name].high for r in results) >= 17, name
        assert all(0 <= r[name].low <= r[name].high for r in results)
        assert name == "density" or all(r[name].high <= 1 for r in results)
        assert min(r[name].high - r[name].low for r in results) > 0
