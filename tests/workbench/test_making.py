"""Training for a study: who is given to a generator, who is kept aside, and what is written down."""

import json

import numpy as np
import pytest

from radassay.errors import SettingsError
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.splits import split
from radassay.registry import load
from radassay.workbench.making import generator_for, given_ids, sample, set_aside, train, trained


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    return make_phantoms(folder / "set", Cohort(patients=120, images_per_patient=2, size=32, seed=1))


def tiny():
    return load("generators", "projection-gan")(
        images_seen=64, batch_size=4, width=2, grid_every=16, threads=1, device="cpu"
    )


def test_patients_kept_aside_are_other_patients_of_every_class(cohort):
    learnt, aside = set_aside(cohort, 0.1, seed=3)
    assert aside is not None
    assert len(learnt) + len(aside) == len(cohort)
    assert not set(learnt.table["patient"]) & set(aside.table["patient"])
    assert set(aside.table["label"]) == set(cohort.table["label"])
    assert 0.05 < len(aside) / len(cohort) < 0.2
    again = set_aside(cohort, 0.1, seed=3)[1]
    assert again.fingerprint == aside.fingerprint


def test_nobody_is_kept_aside_where_nobody_can_be_spared(cohort):
    few = cohort.take(np.arange(20))
    assert set_aside(few, 0.1, seed=3) == (few, None)
    assert set_aside(cohort, 0.0, seed=3) == (cohort, None)


def test_what_a_generator_was_given_is_written_down(cohort, tmp_path):
    training = split(cohort, seed=1).where(split="train")
    train(training, tmp_path, tiny(), size=32, fit="squash", seed=2, aside=0.2)
    given = json.loads((tmp_path / "given.json").read_text())
    assert given["fingerprint"] == training.fingerprint
    assert given["images"] == len(training)
    assert given["aside"] >= 20
    assert sorted(given_ids(tmp_path)) == sorted(training.table["image"])
    about = json.loads((tmp_path / "weights.json").read_text())
    assert f"{given['aside']} real ones kept aside" in about["chosen_by"]
    assert trained(tmp_path) == tiny()
    drawn = sample(trained(tmp_path), tmp_path, tmp_path / "set", np.array(["disease"] * 3), seed=1)
    assert (drawn.table["origin"] == "generated").all()


def test_images_of_the_test_split_are_refused(cohort, tmp_path):
    with pytest.raises(SettingsError, match="training images alone"):
        train(split(cohort, seed=1), tmp_path, tiny(), size=32, fit="squash", seed=2)
    assert not tmp_path.joinpath("given.json").exists()


@pytest.mark.parametrize(
    ("settings", "size", "told"),
    [({"widht": 4}, 64, "widht"), ({"width": 0}, 64, "width"), ({}, 48, "16, 32, 64, 128")],
)
def test_settings_and_sizes_are_refused_before_any_image_is_read(settings, size, told):
    with pytest.raises(SettingsError, match=told):
        generator_for("projection-gan", settings, size)
