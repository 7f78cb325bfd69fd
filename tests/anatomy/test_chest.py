"""Measures of simulated chests whose anatomy is known."""

import numpy as np
import pytest

from radassay.anatomy.chest import PROPERTIES, measure_chests
from radassay.images.phantom import Cohort

SIZE = 64


@pytest.fixture(scope="module")
def chests():
    """Films, true cardiothoracic ratios and measures by name."""
    films, ratios = [], []
    for picture in Cohort(patients=24, images_per_patient=1, size=SIZE, seed=91).pictures():
        masks = picture.masks()
        lung, heart = (np.flatnonzero(m.any(axis=0)) for m in (masks.lung, masks.heart))
        films.append(picture.grey())
        ratios.append(np.ptp(heart) / np.ptp(lung))
    return np.stack(films), np.array(ratios), named(np.stack(films))


def named(films):
    return dict(zip(PROPERTIES, measure_chests(films).T, strict=True))


def test_hearts_lie_to_the_patients_left(chests):
    films, _, found = chests
    assert (found["heart_side"] > 0).all()
    assert (named(films[:8, :, ::-1])["heart_side"] < 0).all()


def test_the_cardiothoracic_ratio_follows_the_true_one(chests):
    _, ratios, found = chests
    assert np.corrcoef(found["ctr"], ratios)[0, 1] > 0.5
    assert (ratios - found["ctr"]).mean() == pytest.approx(0.08, abs=0.03)


def test_mirroring_exchanges_sides_and_keeps_sizes(chests):
    films, _, found = chests
    mirrored = named(films[:8, :, ::-1])
    assert mirrored["balance"] == pytest.approx(-found["balance"][:8], abs=0.08)
    assert mirrored["lung_area"] == pytest.approx(found["lung_area"][:8], abs=0.02)
    assert mirrored["middle"] == pytest.approx(1 - found["middle"][:8], abs=0.03)


def test_ribs_of_both_sides_match_and_stripes_on_one_do_not(chests):
    films, _, found = chests
    assert np.median(found["rib_match"]) > 0.5
    striped = films[:8].copy()
    striped[:, :, : SIZE // 2] += 0.05 * np.sin(np.arange(SIZE))[None, :, None]
    assert np.median(named(striped)["rib_match"]) < np.median(found["rib_match"][:8])


def test_what_has_no_lungs_has_measures_without_a_value():
    found = measure_chests(np.zeros((2, SIZE, SIZE), dtype=np.float32))
    assert found.shape == (2, len(PROPERTIES))
    assert not np.isinf(found).any()
