"""Variety lost, overall and within one label."""

import numpy as np
import pytest
from drawn_images import by_name, fresh, repainted

from radassay.checks.diversity import Diversity, one_each
from radassay.stats.vendi import log_vendi_moves, vendi


def measured(inputs, part="all"):
    return by_name(Diversity().measure(inputs, np.random.default_rng(0)), part)


@pytest.fixture(scope="module")
def inputs():
    return fresh(0, 160)


def collapsed(inputs, rows, motifs=3):
    rng = np.random.default_rng(1)
    pixels = inputs.synthetic.pixels.copy()
    pixels[rows] = pixels[rng.choice(rows[:motifs], len(rows))] + 0.01 * rng.standard_normal((len(rows), 32, 32))
    return repainted(inputs, pixels)


def test_new_draws_have_the_variety_of_real_images():
    found = [measured(fresh(seed, 80)) for seed in range(15)]
    for name in Diversity.watched:
        assert np.mean([f[name].value for f in found]) == pytest.approx(1.0, abs=0.03)
        assert sum(f[name].low <= 1 <= f[name].high for f in found) >= 12


def test_collapse_lowers_both(inputs):
    found = measured(collapsed(inputs, np.arange(160)))
    assert found["vendi_ratio"].high < 0.3
    assert found["within_class_distance_ratio"].high < 0.95


def test_one_label_that_collapsed_shows_in_its_own_line(inputs):
    sick = np.flatnonzero(inputs.synthetic.labels == "covid")
    bad = collapsed(inputs, sick)
    assert measured(bad, "label=covid")["vendi_ratio"].high < 0.5
    assert measured(bad, "label=normal")["vendi_ratio"].low > 0.8
    ratios = [measured(bad, part)["within_class_distance_ratio"].value for part in ("label=covid", "all")]
    assert ratios[0] < ratios[1] < 1


def test_equally_many_images_of_different_patients_are_compared(inputs):
    found = measured(inputs.but(synthetic=inputs.synthetic.take(np.arange(0, 160, 2))))["vendi_ratio"]
    assert found.details["n_each"] == 80
    assert found.value == pytest.approx(1.0, abs=0.1)


def test_one_row_of_each_patient_in_an_order_without_meaning():
    units = np.array(["b", "a", "b", "c", "a"])
    rows = one_each(units)
    assert sorted(units[rows]) == ["a", "b", "c"]
    shuffled = units[::-1]
    assert units[rows].tolist() == shuffled[one_each(shuffled)].tolist()


def test_images_all_alike_have_no_interval(inputs):
    pixels = np.repeat(inputs.synthetic.pixels[:1], 160, axis=0)
    found = measured(repainted(inputs, pixels))["within_class_distance_ratio"]
    assert found.value == pytest.approx(0.0, abs=1e-6)
    assert found.low is None
    assert "no valid interval" in found.reason


def test_the_moves_of_the_rows_add_up_to_the_score():
    x = np.random.default_rng(0).normal(size=(80, 6))
    assert log_vendi_moves(x).mean() == pytest.approx(np.log(vendi(x)))
