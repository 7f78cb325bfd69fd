"""Nodules lie where the truth says, as large and as dense."""

import time

import numpy as np
import pytest

from radassay.errors import SettingsError
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.phantom.nodules import DIAMETER_MM, Nodules
from radassay.images.phantom.slices import Volume
from radassay.images.volumes import volume

COHORT = Cohort(patients=3, images_per_patient=12, size=64, modality="CT", lesions="nodules", seed=3)


def chests(count):
    return [COHORT.picture(COHORT.patient(i, label="disease")) for i in range(count)]


def test_nodules_lie_whole_within_the_lungs():
    for picture in chests(12):
        found = picture.nodules
        assert 1 <= len(found.x) <= 4
        assert found.diameter_mm.min() >= DIAMETER_MM[0]
        assert found.diameter_mm.max() <= DIAMETER_MM[1]
        rng = np.random.default_rng(0)
        for x, y, z, diameter in zip(found.x, found.y, found.z, found.diameter_mm, strict=True):
            away = rng.normal(size=(400, 3))
            surface = away / np.linalg.norm(away, axis=1, keepdims=True) * diameter / 2 + [x, y, z]
            assert picture.chest.in_lung(*surface.T.astype(np.float32)).mean() > 0.99


def test_the_volume_and_density_of_a_nodule_are_true():
    picture = chests(1)[0]
    ball = Nodules(*(np.array([v], dtype=np.float32) for v in (70.0, 5.0, 20.0, 24.0, 40.0)))
    block = Volume(picture.chest, None, 190, nodules=ball)
    cuts = [block.at(z, 2.0) for z in np.arange(0.0, 41.0, 2.0)]
    share = np.stack([cut.nodule for cut in cuts])
    assert share.sum() * 2.0**3 == pytest.approx(np.pi / 6 * 24.0**3, rel=0.02)
    inside = np.stack([cut.hu for cut in cuts])[share > 0.999]
    np.testing.assert_allclose(inside, 40.0, atol=0.01)


def test_lungs_and_nodules_of_a_scan_have_their_density(tmp_path):
    images = make_phantoms(tmp_path, COHORT)
    assert set(images.table["unit"]) == {"HU"}
    for index in range(COHORT.patients):
        patient = COHORT.patient(index)
        # the first slice lies highest: the stack goes up from the feet
        masks = [COHORT.picture(patient, n).masks() for n in reversed(range(COHORT.images_per_patient))]
        hu = volume(images, f"{patient.code}-00")
        lung, nodule = (np.stack([getattr(m, part) for m in masks]) for part in ("lung", "nodule"))
        assert np.median(hu[lung]) == pytest.approx(patient.person.lung, abs=30)
        assert nodule.any() <= (patient.label == "disease")
        sizes = set(images.where(patient=patient.code).table["nodules_mm"].fillna(""))
        assert (sizes == {""}) == (patient.label == "healthy")


def test_the_same_person_with_and_without_nodules():
    ill, well = (COHORT.picture(COHORT.patient(1, label=label, site="A"), 9) for label in ("disease", "healthy"))
    changed = np.abs(ill.grey() - well.grey()) > 1e-3
    assert changed.mean() < 0.05
    assert not well.masks().nodule.any()


def test_nodules_are_for_ct():
    with pytest.raises(SettingsError, match="nodules in CT"):
        Cohort(lesions="nodules")


def test_a_scan_of_64_slices_takes_about_a_second():
    cohort = Cohort(patients=1, images_per_patient=64, size=64, modality="CT", lesions="nodules", prevalence=1.0)
    before = time.process_time()
    assert len([p.pixels() for p in cohort.pictures()]) == 64
    assert time.process_time() - before < 4
