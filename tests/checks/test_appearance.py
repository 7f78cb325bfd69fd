"""Faults of the surface are seen without a network, each in its own measure."""

import numpy as np
import pytest
from drawn_images import by_name, drawn, fresh, repainted
from scipy.ndimage import gaussian_filter

from radassay.checks.appearance import GREYS, Appearance, grey_distributions, hounsfield_window


def measured(inputs):
    return by_name(Appearance().measure(inputs, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def inputs():
    return fresh(0, 120)


@pytest.fixture(scope="module")
def usual(inputs):
    return measured(inputs)


def test_new_draws_lie_at_zero(usual):
    assert set(usual) == set(Appearance.watched)
    assert all(f.low < 0 < f.high or abs(f.value) < 2 * (f.high - f.low) for f in usual.values())
    many = [measured(fresh(seed, 60)) for seed in range(12)]
    for name in usual:
        values = [m[name].value for m in many]
        assert abs(np.mean(values)) < 3 * np.std(values) / 12**0.5 + 1e-4, name


def test_blur_and_noise_show_in_fine_detail(inputs, usual):
    made = inputs.synthetic.pixels
    for pixels in (gaussian_filter(made, (0, 0.7, 0.7)), made + np.random.default_rng(0).normal(0, 0.03, made.shape)):
        found = measured(repainted(inputs, pixels))
        for name in ("swd_fine", "spectrum_distance"):
            assert found[name].low > usual[name].high, name
        assert abs(found["swd_coarse"].value) < found["swd_fine"].value


def test_brightness_shows_as_grey_levels(inputs, usual):
    found = measured(repainted(inputs, inputs.synthetic.pixels * 0.8 + 0.2))
    moved = float((0.2 - 0.2 * inputs.synthetic.pixels).mean())
    assert found["intensity_distance"].low > usual["intensity_distance"].high
    assert found["intensity_distance"].value == pytest.approx(moved, abs=0.02)
    assert found["intensity_distance"].unit.startswith("grey")


def test_the_spectrum_is_told(usual):
    curve = usual["spectrum_distance"].details["curve"]
    assert curve["cycles_per_picture"] == list(range(1, 17))
    assert len(curve["log_power_real"]) == len(curve["log_power_synthetic"]) == 16


def hounsfield(sample, low=-1350.0, high=150.0):
    return sample.changed(name=sample.name, table=sample.table.assign(unit="HU", low=low, high=high))


def test_in_one_window_of_hu_the_distance_is_in_hu():
    plain = fresh(4, 60)
    ct = plain.but(training=hounsfield(plain.training), held_out=hounsfield(plain.held_out))
    assert hounsfield_window(ct.training, ct.held_out) == (-1350.0, 150.0)
    assert hounsfield_window(ct.training, hounsfield(plain.held_out, low=-1000.0)) is None
    assert hounsfield_window(ct.training, plain.held_out) is None
    grey, hu = measured(plain)["intensity_distance"], measured(ct)["intensity_distance"]
    assert hu.unit == "HU"
    assert hu.value == pytest.approx(1500 * grey.value)


def test_values_below_air_are_counted():
    plain = fresh(5, 60)
    ct = plain.but(training=hounsfield(plain.training), held_out=hounsfield(plain.held_out))
    pixels = ct.synthetic.pixels.copy()
    pixels[:, :8] = 0.1
    found = measured(repainted(ct, pixels))["below_air_difference"]
    assert found.low > 0.2
    assert found.details["synthetic"] >= 0.25


def test_grey_values_are_counted_to_the_last():
    rng = np.random.default_rng(0)
    pixels = drawn("x", 4, rng).pixels
    pixels[0], pixels[1] = 0.0, 1.0
    found = grey_distributions(pixels)
    assert found.shape == (4, GREYS)
    assert (found[0] == 1).all()
    assert found[1, -2] == 0
    assert (found[:, -1] == 1).all()
    assert found[2, GREYS // 2 - 1] == pytest.approx((pixels[2] < 0.5).mean())


def test_small_pictures_say_so():
    tiny = fresh(6, 40)
    parts = {
        part: getattr(tiny, part).changed(name=part, pixels=getattr(tiny, part).pixels[:, ::2, ::2])
        for part in ("training", "held_out", "synthetic")
    }
    found = measured(tiny.but(**parts))
    assert "28 pixels" in found["swd_fine"].reason
    assert found["spectrum_distance"].value is not None
