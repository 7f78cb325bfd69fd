"""A model tells what differs, and stays at chance where nothing does."""

import numpy as np
import pytest
from drawn_images import by_name, copied, fresh, repainted

from radassay.checks.two_sample import TwoSample


def measured(inputs, check=None):
    return by_name((check or TwoSample()).measure(inputs, np.random.default_rng(0)))


def test_new_draws_are_at_chance():
    found = [measured(fresh(seed, 80)) for seed in range(25)]
    values = [f["auc_two_sample"].value for f in found]
    assert np.mean(values) == pytest.approx(0.5, abs=0.04)
    assert sum(f["auc_two_sample"].low <= 0.5 <= f["auc_two_sample"].high for f in found) >= 21
    p = np.array([f["two_sample_p"].value for f in found])
    assert (p <= 0.05).sum() <= 4
    assert p.min() > 0
    assert p.max() <= 1


def test_a_bright_place_that_real_images_lack_is_told():
    inputs = fresh(1, 120)
    pixels = inputs.synthetic.pixels.copy()
    pixels[:, 4:10, 20:26] += 0.15
    found = measured(repainted(inputs, pixels))
    assert found["auc_two_sample"].low > 0.65
    assert found["two_sample_p"].value == pytest.approx(1 / 200)
    assert "no valid interval" in found["two_sample_p"].reason


def test_copies_of_real_images_are_not_told():
    assert measured(copied(fresh(2, 120), 1.0))["auc_two_sample"].low < 0.5


def test_patients_with_several_images_are_not_told_by_their_likeness():
    inputs = fresh(3, 90)
    made = inputs.synthetic
    pixels = np.clip(made.pixels[np.arange(90) // 3 * 3] + np.random.default_rng(0).normal(0, 0.01, (90, 32, 32)), 0, 1)
    patients = np.array([f"made-{i // 3}" for i in range(90)])
    tripled = inputs.but(synthetic=made.changed(name="tripled", pixels=pixels.astype(np.float32), patients=patients))
    found = measured(tripled)["auc_two_sample"]
    assert found.low < 0.5 < found.high
    assert measured(tripled)["two_sample_p"].value > 0.01


def test_the_quick_form_gives_the_area_alone():
    inputs = fresh(4, 60)
    swift = measured(inputs, TwoSample().quick())
    assert set(swift) == {"auc_two_sample"}
    assert swift["auc_two_sample"].value == measured(inputs)["auc_two_sample"].value
