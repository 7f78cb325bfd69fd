"""Simulated chests on disk are an image set like any other."""

import numpy as np
import pytest

from radassay.images.imageset import ImageSet
from radassay.images.intensity import LUNG_WINDOW_HU
from radassay.images.phantom import Cohort, make_phantoms


def test_the_saved_set_is_complete(tmp_path) -> None:
    seen = []
    cohort = Cohort(patients=3, images_per_patient=2, size=32)
    made = make_phantoms(tmp_path, cohort, report=lambda *step: seen.append(step), workers=1)
    images = ImageSet.open(tmp_path)
    assert images.fingerprint == made.fingerprint
    assert len(images) == 6
    assert seen[-1] == (6, 6, "images")
    table = images.table
    assert set(table["label"]) <= {"disease", "healthy"}
    assert set(table["site"]) <= {"A", "B"}
    for column, value in {
        "origin": "acquired",
        "view": "PA",
        "modality": "X-ray",
        "format": "simulated",
        "simulated": "yes",
        "bits": 8,
        "unit": "stored",
        "low": 0,
        "high": 255,
    }.items():
        assert (table[column] == value).all(), column
    assert table["patient"].nunique() == 3
    assert (table["age_text"].astype(float) == table["age_years"]).all()
    assert images.load(32).shape == (6, 32, 32)
    row = int(np.flatnonzero((table["source"] == "P00001/01/01").to_numpy())[0])
    assert np.array_equal(images.pixels(row), cohort.picture(cohort.patient(1), 1).pixels())


def test_the_set_does_not_depend_on_the_workers(tmp_path) -> None:
    cohort = Cohort(patients=10, images_per_patient=1, size=32, seed=3)
    one = make_phantoms(tmp_path / "one", cohort, workers=1)
    two = make_phantoms(tmp_path / "two", cohort, workers=2)
    assert one.fingerprint == two.fingerprint


def test_ct_is_stored_in_hounsfield_units(tmp_path) -> None:
    images = make_phantoms(tmp_path, Cohort(patients=2, images_per_patient=2, size=32, modality="CT"), workers=1)
    assert (images.table["unit"] == "HU").all()
    assert images.pixels(0).dtype == np.int16
    assert (images.table["low"].iloc[0], images.table["high"].iloc[0]) == LUNG_WINDOW_HU
    assert images.table["position_mm"].notna().all()
    assert images.table["bits"].tolist() == [16.0] * 4
    assert 0.1 < images.display(0).mean() < 0.9


@pytest.mark.parametrize("modality", ["X-ray", "CT"])
def test_grey_values_use_the_range(tmp_path, modality) -> None:
    images = make_phantoms(tmp_path, Cohort(patients=4, size=64, modality=modality), workers=1)
    pixels = images.load(64)
    assert 0.2 < pixels.mean() < 0.7
    assert pixels.std(axis=(1, 2)).min() > 0.12
