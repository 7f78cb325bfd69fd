"""The integrity check counts what is wrong with the pictures."""

import numpy as np
import pytest
from real_images import sample, textures

from radassay.checks.integrity import Integrity
from radassay.contracts.check import Inputs


def measured(pixels, positive="normal", **columns):
    real = sample("a", pixels, **columns)
    cut = len(real) // 2
    inputs = Inputs(real.take(np.arange(cut)), real.take(np.arange(cut, len(real))), positive=positive)
    return {f.name: f for f in Integrity().measure(inputs, np.random.default_rng(0))}


@pytest.fixture(scope="module")
def pixels():
    return textures(40, 0, 32)


def test_sound_images_have_nothing_wrong(pixels):
    found = measured(pixels, site="here", sex="F", age_years=50.0, view="PA", modality="X-ray")
    for name in ("empty", "duplicates", "enlarged", "not_square", "colour", "mixed_view", "missing_site"):
        assert found[name].value == 0, name
        assert 0 < found[name].high < 0.12, name
    assert found["patients_known"].value == 1


def test_each_fault_is_counted(pixels):
    pixels = pixels.copy()
    pixels[:4] = 0.5
    pixels[5] = pixels[4]
    pixels[6, 0, 0] = np.nan
    n = np.arange(len(pixels))
    found = measured(
        pixels,
        height=np.where(n < 8, 20.0, 256.0),
        channels=np.where(n < 2, 3.0, 1.0),
        view=np.where(n < 10, "AP", "PA"),
        site=np.where(n < 20, "", "here"),
        label=np.where(n < 4, "covid", "normal"),
    )
    assert found["empty"].value == 5 / 40
    assert found["duplicates"].value == 4 / 40
    assert found["enlarged"].value == 8 / 40
    assert found["not_square"].value == 8 / 40
    assert found["colour"].value == 2 / 40
    assert found["mixed_view"].value == 10 / 40
    assert found["mixed_view"].details["counts"] == {"AP": 10, "PA": 30}
    assert found["missing_site"].value == 0.5
    assert found["smallest_class"].value == 4
    assert found["mixed_modality"].value is None


def test_unknown_patients_are_a_caution(pixels):
    found = measured(pixels, patient="")
    assert found["patients_known"].value == 0
    assert "every image counts as its own patient" in found["patients_known"].reason
    assert "too narrow" in found["empty"].reason


def test_a_positive_class_that_is_absent_counts_as_none(pixels):
    assert measured(pixels, positive="covid")["smallest_class"].value == 0
