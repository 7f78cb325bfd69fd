"""Patches in bands: nothing is lost, and the binned distance is that of the values."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance

from radassay.stats.mean_distance import Means, mean_distance
from radassay.stats.sliced import BINS, DIRECTIONS, distributions, projections, pyramid, slice_weights, usual


def pictures(n, seed, size=64):
    rng = np.random.default_rng(seed)
    return gaussian_filter(rng.normal(0.5, 1, (n, size, size)), (0, 1.5, 1.5)).astype(np.float32)


def test_the_bands_add_up_to_the_picture():
    picture = pictures(1, 0)[0]
    fine, middle, coarse = pyramid(picture)
    assert [len(band) for band in (fine, middle, coarse)] == [64, 32, 16]
    half = cv2.pyrUp(coarse, dstsize=(32, 32)) + middle
    np.testing.assert_allclose(cv2.pyrUp(half, dstsize=(64, 64)) + fine, picture, atol=1e-6)


def test_the_distance_is_that_of_the_projections():
    x, y = (projections(p)[1] for p in (pictures(40, 0), 1.5 * pictures(30, 1)))
    centre, scale = usual(x)
    means = [Means.of(distributions(p, centre, scale), np.arange(len(p)).astype(str)) for p in (x, y)]
    found = mean_distance(*means, slice_weights())
    exact = np.mean([wasserstein_distance(x[:, d].ravel(), y[:, d].ravel()) / scale for d in range(DIRECTIONS)])
    assert found.plain == pytest.approx(exact, rel=0.05)


def test_each_picture_is_answered_for_itself_and_always_the_same():
    x = pictures(5, 2)
    for together, alone in zip(projections(x), projections(x[3:4]), strict=True):
        np.testing.assert_allclose(together[3], alone[0], atol=1e-5)
    functions = distributions(projections(x)[0], 0.0, 0.1).reshape(5, DIRECTIONS, BINS)
    assert (functions[:, :, -1] == 1).all()
    assert (np.diff(functions, axis=2) >= 0).all()


def test_small_pictures_are_refused():
    with pytest.raises(ValueError, match="28 pixels"):
        projections(pictures(2, 0, 20))
