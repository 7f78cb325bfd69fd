"""Simulated studies have the truth they were given, and the power the design table says."""

from __future__ import annotations

import numpy as np
import pytest

from radassay.stats.auc import aucs
from radassay.stats.reader_power import Design, limits_of, power, simulate


def test_simulated_readers_have_the_area_and_correlation_asked_for():
    design = Design(400, 60, 60, levels=200, spread=0.0)
    rng = np.random.default_rng(0)
    areas = np.concatenate([aucs(simulate(design, 0.7, rng), design.positive) for _ in range(20)])
    assert areas.mean() == pytest.approx(0.7, abs=0.02)
    pairs = np.corrcoef(simulate(Design(2, 4000, 4000, levels=200, spread=0.0), 0.5, rng))
    assert pairs[0, 1] == pytest.approx(0.35, abs=0.03)


def test_readers_vary_as_asked():
    design = Design(300, 400, 400, levels=200, correlation=0.0, spread=0.2)
    areas = aucs(simulate(design, 0.5, np.random.default_rng(1)), design.positive)
    # an area near 0.5 moves by 0.2821 for each unit of d', and few cases add their own variance
    expected = np.hypot(0.2821 * 0.2 * np.sqrt(2), np.sqrt(801 / (12 * 400**2)))
    assert areas.std() == pytest.approx(expected, rel=0.15)


def test_the_same_seed_gives_the_same_study():
    design = Design(3, 10, 12)
    one, two = (simulate(design, 0.6, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (3, 22) and one.min() >= 1 and one.max() <= 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("readers", "images", "equivalence", "detection", "half_width"),
    [
        (6, 100, 0.69, 0.75, 0.075),
        (8, 100, 0.80, 0.82, 0.067),
        (6, 150, 0.80, 0.81, 0.067),
        (10, 150, 0.95, 0.92, 0.054),
    ],
)
def test_power_of_designs_as_another_program_found_it(readers, images, equivalence, detection, half_width):
    """Both are counts of 400 studies; three standard errors of their difference."""
    found = power(Design(readers, images, images), np.random.default_rng(0))
    for ours, other in ((found.equivalence.value, equivalence), (found.detection.value, detection)):
        assert abs(ours - other) < 3 * np.sqrt(2 * other * (1 - other) / 400)
    assert found.half_width == pytest.approx(half_width, abs=0.003)
    assert found.false_alarms.low <= 0.03 <= found.false_alarms.high + 0.02


def test_more_readers_show_more():
    few, many = (power(Design(r, 40, 40), np.random.default_rng(2), area=0.65, runs=60) for r in (3, 12))
    assert many.detection.value > few.detection.value and many.half_width < few.half_width
    assert few.detection.low < few.detection.value < few.detection.high


def test_intervals_at_90_per_cent_lie_within_those_at_95():
    wide, narrow = limits_of(Design(4, 20, 20), 0.6, 10, np.random.default_rng(3))
    assert (wide[:, 0] <= narrow[:, 0]).all() and (narrow[:, 1] <= wide[:, 1]).all()


def test_impossible_designs_are_refused():
    with pytest.raises(ValueError, match="two or more"):
        Design(1, 10, 10)
    with pytest.raises(ValueError, match="correlation"):
        Design(2, 10, 10, correlation=1.2)
