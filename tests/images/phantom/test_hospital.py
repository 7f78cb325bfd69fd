"""A hospital's look is its own: fixed constants, nothing fitted to the picture."""

from dataclasses import replace

import numpy as np
import pytest

from radassay.images.phantom import HOSPITALS, Cohort


@pytest.mark.parametrize("hospital", HOSPITALS, ids=lambda h: h.name)
def test_what_changes_in_the_middle_does_not_reach_the_border(hospital) -> None:
    depth = np.full((128, 128), 150, np.float32)
    denser = depth.copy()
    denser[56:72, 56:72] += 60
    one, other = (hospital.film(d, 2.7, 200.0, np.random.default_rng(0)) for d in (depth, denser))
    ring = np.ones((128, 128), dtype=bool)
    ring[16:-16, 16:-16] = False
    assert np.array_equal(one[ring], other[ring])
    assert other[60:68, 60:68].mean() > one[60:68, 60:68].mean() + 0.05


@pytest.mark.parametrize("hospital", HOSPITALS, ids=lambda h: h.name)
def test_air_is_dark_and_bone_is_bright(hospital) -> None:
    depth = np.zeros((128, 128), np.float32)
    depth[:, 64:] = 260
    seen = replace(hospital, margin=(0.0, 0.0)).film(depth, 2.7, 200.0, np.random.default_rng(0))
    assert seen[60:, :40].mean() < 0.05
    assert seen[60:, 90:120].mean() > 0.8


def test_markers_and_borders_tell_the_hospitals_apart() -> None:
    cohort = Cohort(size=64)
    for i in range(4):
        a, b = (cohort.picture(cohort.patient(i, site=s)).grey() for s in ("A", "B"))
        assert a[:8, 54:].max() > 0.5  # an L at the patient's left, the screen's right
        assert b[2:12, :10].max() > 0.5  # an R at the patient's right
        assert b[32, :1].max() < 0.1


def test_ct_shows_the_round_field_of_one_scanner_only() -> None:
    cohort = Cohort(size=64, modality="CT", images_per_patient=3)
    a, b = (cohort.picture(cohort.patient(0, site=s), 1).pixels() for s in ("A", "B"))
    assert b[0, 0] == b[0, -1] == b[-1, 0] == -1024
    assert a[:4, :4].std() > 0


def test_one_hospital_is_noisier() -> None:
    depth = np.full((128, 128), 150, np.float32)
    noise = [h.film(depth, 2.7, 200.0, np.random.default_rng(1))[50:80, 50:80].std() for h in HOSPITALS]
    assert noise[1] > 1.2 * noise[0]
