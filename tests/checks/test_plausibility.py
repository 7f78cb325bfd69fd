"""Chest films with a fault that a radiologist would see, and films of other kinds."""

import numpy as np
import pytest
from drawn_images import by_name, of

from radassay.checks.plausibility import Plausibility
from radassay.contracts.check import Inputs
from radassay.images.phantom import Cohort


@pytest.fixture(scope="module")
def inputs():
    """Simulated chests: 60 patients to learn from, 30 held out, 30 that play the generated ones."""
    pictures = Cohort(patients=120, images_per_patient=1, size=64, seed=92).pictures()
    films = np.stack([p.grey() for p in pictures]).astype(np.float32)
    parts = np.split(films, [60, 90])
    samples = (
        of(name, part, np.full(len(part), "x")) for name, part in zip(("train", "held", "made"), parts, strict=True)
    )
    training, held_out, made = (s.changed(name=s.name, table=s.table.assign(modality="X-ray")) for s in samples)
    return Inputs(training, held_out, made)


def measured(inputs, check=None):
    return by_name((check or Plausibility()).measure(inputs, np.random.default_rng(0)))


def repainted(inputs, change, rows=slice(None)):
    pixels = inputs.synthetic.pixels.copy()
    pixels[rows] = change(pixels[rows])
    return inputs.but(synthetic=inputs.synthetic.changed(name="changed", pixels=pixels))


def test_new_films_are_as_plausible_as_held_out_ones(inputs):
    found = measured(inputs)
    assert found["implausible_share"].value < 0.15
    assert found["implausible_excess"].low <= 0 <= found["implausible_excess"].high
    assert found["mirrored_share"].low <= 0 <= found["mirrored_share"].high
    assert found["implausible_share"].details["expected_among_real"] == pytest.approx(1 / 61)
    for name in ("lung_area_difference", "ctr_difference"):
        assert abs(found[name].value) < 1


def test_mirrored_films_are_counted(inputs):
    found = measured(repainted(inputs, lambda p: p[:, :, ::-1]))
    assert found["mirrored_share"].low > 0.7
    # sixty films set a range with a wide margin of error: most are outside it, and surely more than should be
    share = found["implausible_share"]
    assert share.value > 0.5
    assert share.low > 2 * share.details["expected_among_real"]
    assert share.details["outside_by"]["heart_side"] > 15
    assert found["implausible_excess"].low > 0
    half = measured(repainted(inputs, lambda p: p[:, :, ::-1], slice(0, 15)))
    assert half["mirrored_share"].value == pytest.approx(0.5, abs=0.1)


def test_a_film_with_one_lung_is_shown_with_the_reason(inputs):
    def white(pixels):
        pixels[:, :, 36:] = 0.8
        return pixels

    found = measured(repainted(inputs, white, slice(4, 8)))["implausible_share"]
    assert found.value >= 4 / len(inputs.synthetic)
    shown = dict(found.details["examples"])
    for image in inputs.synthetic.images[4:8]:
        assert image in shown
        assert "lung" in shown[image] or "heart" in shown[image]


def test_other_kinds_of_pictures_are_not_measured(inputs):
    for column, value, word in (("modality", "CT", "CT slices"), ("view", "L", "lateral")):
        training = inputs.training.changed(name="t", table=inputs.training.table.assign(**{column: value}))
        found = measured(inputs.but(training=training))
        assert all(f.value is None and word in f.reason for f in found.values())
    unknown = inputs.training.table.drop(columns="modality")
    assert measured(inputs.but(training=inputs.training.changed(name="t", table=unknown)))["ctr_difference"].value
    noise = np.random.default_rng(0).random(inputs.training.pixels.shape).astype(np.float32)
    found = measured(inputs.but(training=inputs.training.changed(name="t", table=unknown, pixels=noise)))
    assert "most real images look like" in found["implausible_share"].reason


def test_the_quick_form_gives_the_same_values(inputs):
    full, swift = measured(inputs), measured(inputs, Plausibility().quick())
    assert {name: f.value for name, f in swift.items()} == {name: f.value for name, f in full.items()}
    assert all(f.low is None for f in swift.values())
