"""CT slices through training and sampling: Hounsfield units go in and come out, and the checks read them."""

import json

import numpy as np
import pytest

from radassay.checks.appearance import Appearance
from radassay.contracts.check import Inputs
from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.sample import Sample
from radassay.registry import load
from radassay.workbench.making import sample, train

SIZE = 32


class Repeats:
    """Gives back the grey values that it was shown, in the order of the labels asked for."""

    name = "repeats"

    def __init__(self, pixels):
        self.pixels = pixels

    def sample(self, labels, folder, *, seed, batch=64):
        return self.pixels[: len(labels)]


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slices")
    return make_phantoms(folder, Cohort(patients=36, images_per_patient=2, size=SIZE, modality="CT", seed=4))


@pytest.fixture(scope="module")
def learnt(slices, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learnt")
    generator = load("generators", "projection-gan")(
        images_seen=32, batch_size=4, width=2, threads=1, device="cpu", precision="float32"
    )
    train(slices, folder, generator, size=SIZE, fit="squash", seed=2, window="lung")
    return folder, generator


def test_generated_slices_are_stored_in_hounsfield_units(slices, learnt, tmp_path):
    folder, generator = learnt
    told = json.loads((folder / "given.json").read_text())["values"]
    assert (told["low"], told["high"], told["spacing_mm"]) == (-1350, 150, 380 / SIZE)
    assert 0 < told["clipped_share"] < 0.2
    labels = np.array(["disease", "healthy"])
    sample(generator, folder, tmp_path, labels, seed=1)
    made = ImageSet.open(tmp_path)
    assert set(made.table["unit"]) == {"HU"}
    assert set(made.table["modality"]) == {"CT"}
    assert set(made.table["low"]) == {-1350}
    assert set(made.table["spacing_mm"]) == {380 / SIZE}
    hu = made.pixels(0)
    assert hu.dtype == np.int16
    assert hu.min() >= -1350
    assert hu.max() <= 150
    exact = generator.sample(labels, folder, seed=1)
    for row in range(2):
        place = int(made.table["source"].iloc[row][-6:])
        assert np.abs(made.pixels(row) - (exact[place] * 1500.0 - 1350)).max() <= 0.5


def test_radiographs_stay_8_bit_grey(tmp_path):
    films = make_phantoms(tmp_path / "films", Cohort(patients=4, images_per_patient=1, size=16))
    generator = load("generators", "projection-gan")(images_seen=8, batch_size=4, width=2, threads=1, device="cpu")
    train(films, tmp_path / "run", generator, size=16, fit="squash", seed=2, window="lung")
    made = sample(generator, tmp_path / "run", tmp_path / "made", films.table["label"].to_numpy(dtype=str), seed=1)
    assert set(made.table["unit"]) == {"stored"}
    assert made.pixels(0).dtype == np.uint8
    assert (films.table["low"] == 0).all()


@pytest.mark.parametrize("shift", [0, -120])
def test_checks_read_the_units_of_generated_slices(slices, learnt, tmp_path, shift):
    half = slices.table["patient"] < "P00018"
    training, held_out = (Sample.of(slices.take(np.flatnonzero(rows)), SIZE) for rows in (half, ~half))
    shown = (held_out.pixels + shift / 1500).clip(0, 1)
    made = sample(Repeats(shown), learnt[0], tmp_path, held_out.labels, seed=1)
    inputs = Inputs(training, held_out, Sample.of(made, SIZE))
    found = {f.name: f for f in Appearance(intervals=False).measure(inputs, np.random.default_rng(0))}
    assert found["intensity_distance"].unit == "HU"
    air = float((shown < 326 / 1500 - 1e-3).mean() - (held_out.pixels < 326 / 1500 - 1e-3).mean())
    assert found["below_air_difference"].value == pytest.approx(air, abs=0.01)
    # what two sets of this size show by chance is taken off, so that it lies a little under the shift
    assert found["intensity_distance"].value == pytest.approx(-shift, abs=15)
