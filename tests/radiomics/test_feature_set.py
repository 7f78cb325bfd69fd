"""The set of features: its names, its scales, and what its rows depend on."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from radassay.errors import InputError, SettingsError
from radassay.radiomics import feature_set
from radassay.radiomics.feature_set import NAMES, Remembered, extract, scaled
from radassay.radiomics.levels import fixed_width


@pytest.fixture(scope="module")
def pictures():
    smooth = gaussian_filter(np.random.default_rng(0).normal(size=(30, 40, 40)), (0, 2, 2))
    return np.clip(0.5 + 0.8 * smooth, 0, 1).astype(np.float32)


def column(features, name):
    return features[:, NAMES.index(name)]


def test_names_are_unique_and_no_feature_says_what_another_says(pictures):
    assert len(NAMES) == len(set(NAMES)) == 88
    features = extract(pictures)
    ranks = features.argsort(axis=0).argsort(axis=0)
    equal = [(NAMES[i], NAMES[j]) for i in range(88) for j in range(i) if np.allclose(features[:, i], features[:, j])]
    assert equal == []
    assert (ranks.std(axis=0) > 0).all()


def test_a_row_depends_on_its_picture_alone(pictures):
    whole = extract(pictures)
    np.testing.assert_array_equal(extract(pictures[7:9]), whole[7:9])
    np.testing.assert_array_equal(extract(pictures[::-1]), whole[::-1])


def test_pictures_turned_and_mirrored_have_the_same_texture(pictures):
    whole = extract(pictures)
    for other in (pictures[:, ::-1], pictures[:, :, ::-1], pictures.swapaxes(1, 2)):
        np.testing.assert_allclose(extract(np.ascontiguousarray(other)), whole, rtol=1e-9, atol=1e-12)


def test_a_chequered_and_a_halved_picture_by_hand():
    chequered = np.indices((4, 4)).sum(axis=0) % 2
    halved = np.repeat([[0, 0, 1, 1]], 4, axis=0)
    features = extract(np.stack([chequered, halved]).astype(np.float64), 2)
    # Of 42 neighbouring pairs 24 share a side and differ in the first; in the second 4 + 6 cross the middle.
    np.testing.assert_allclose(column(features, "GLCM contrast"), [24 / 42, 10 / 42])
    np.testing.assert_allclose(column(features, "GLSZM zone percentage"), [2 / 16, 2 / 16])
    # Runs of the halves: 8 along rows, 4 along columns, 5 + 5 along each diagonal.
    assert column(features, "GLRLM run percentage")[1] == pytest.approx((8 + 4 + 10 + 10) / 64)
    np.testing.assert_allclose(column(features, "intensity histogram entropy"), [1, 1])


def test_flat_and_tiny_pictures_have_features():
    for flat in (np.zeros((1, 16, 16)), np.ones((1, 16, 16)), np.full((1, 3, 5), 0.3)):
        features = extract(flat)
        assert np.isfinite(features).all()
        assert np.isfinite(scaled(features)).all()
        assert column(features, "intensity variance")[0] == 0
        assert column(features, "GLCM contrast")[0] == 0
        assert column(features, "GLSZM zone size variance")[0] == 0


def test_scales_are_alike_and_keep_the_order(pictures):
    features = extract(pictures)
    on_scale = scaled(features)
    spread = on_scale.std(axis=0)
    assert spread.max() / spread.min() < 200
    negative = {"intensity minimum histogram gradient", "GLCM information correlation 1"}
    for i, name in enumerate(NAMES):
        steps = np.diff(on_scale[np.argsort(features[:, i]), i])
        assert (steps <= 1e-9).all() if name in negative else (steps >= -1e-9).all(), name


def test_what_is_no_picture_is_refused():
    with pytest.raises(InputError, match="shape"):
        extract(np.zeros((4, 4)))
    with pytest.raises(InputError, match="3 pixels"):
        extract(np.zeros((1, 2, 9)))
    with pytest.raises(InputError, match="finite"):
        extract(np.full((1, 9, 9), np.inf))
    with pytest.raises(SettingsError, match="2 to 255"):
        extract(np.zeros((1, 9, 9)), 300)


def test_levels_have_one_width_and_the_ends_belong_to_the_last():
    greys = np.array([[[-0.1, 0.0, 0.24, 0.25, 0.5, 0.75, 1.0, 1.2]]])
    np.testing.assert_array_equal(fixed_width(greys, 4)[0, 0], [1, 1, 1, 2, 3, 4, 4, 4])
    hounsfield = np.array([[[-1350.0, -1326.0, -1325.0, 149.0]]])
    np.testing.assert_array_equal(fixed_width(hounsfield, 60, -1350.0, 150.0)[0, 0], [1, 1, 2, 60])


def test_no_picture_is_worked_on_twice_and_memory_is_bounded(pictures, monkeypatch):
    worked = []
    monkeypatch.setattr(feature_set, "extract", lambda p, n: worked.append(len(p)) or extract(p, n))
    memory = Remembered(most=10)
    first = memory(pictures[:8])
    np.testing.assert_array_equal(first, scaled(extract(pictures[:8])))
    np.testing.assert_array_equal(memory(pictures[[3, 1, 3]]), first[[3, 1, 3]])
    assert worked == [8]
    memory(pictures[8:20])  # more than it keeps: the first are forgotten
    np.testing.assert_array_equal(memory(pictures[:2]), first[:2])
    assert worked == [8, 12, 2]
    memory(pictures[:2], 16)  # other levels, other features
    assert worked == [8, 12, 2, 2]
    assert memory(pictures[:0]).shape == (0, 88)
