"""The best linear observer before and after rescaling, against closed forms and drawn noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import idctn
from scipy.ndimage import gaussian_filter

from radassay.stats.detectability import Background, detectability, fitted_background, rescaled, rescaling


def disc(radius, side=96, soft=0.7):
    rows, columns = np.mgrid[:side, :side]
    return gaussian_filter((np.hypot(rows - side / 2.1, columns - side / 1.9) < radius).astype(float), soft, truncate=6)


def drawn_noise(spectrum, n, seed=0):
    white = np.random.default_rng(seed).standard_normal((n, *spectrum.shape))
    return idctn(np.sqrt(spectrum) * white, axes=(1, 2), norm="ortho")


def test_in_white_noise_it_is_contrast_over_noise_times_root_of_pixels():
    square = np.zeros((64, 64))
    square[10:20, 30:40] = 3.0
    found = detectability(square, np.full((64, 64), 4.0), (64,))
    assert np.sqrt(found[0]) == pytest.approx(3 / 2 * np.sqrt(100))


def test_averaging_blocks_of_white_noise_costs_an_aligned_square_nothing():
    square = np.zeros((64, 64))
    square[16:32, 16:32] = 1.0
    before, after = detectability(square, np.ones((64, 64)), (64, 16))
    # the mean over positions of the blocks: most of it stays, the edges fall between blocks
    assert 0.8 * before < after <= before


@pytest.mark.parametrize(("size", "method"), [(48, "area"), (32, "area"), (24, "nearest")])
def test_the_background_is_carried_as_drawn_noise_is(size, method):
    spectrum = Background(slope=2.5, floor=8.0).spectrum((96, 96), 100.0)
    small = np.stack([rescaled(noise, size, method) for noise in drawn_noise(spectrum, 200)])
    assert small.var() == pytest.approx(_carried(spectrum, size, method), rel=0.06)


def _carried(spectrum, size, method):
    """Mean variance of the rescaled noise, from the matrix of the rescaling alone."""
    waves = idctn(np.eye(96), axes=(0,), norm="ortho")
    power = (rescaling(96, size, method) @ waves) ** 2
    return float((power @ spectrum @ power.T).mean())


def test_an_observer_of_drawn_pictures_does_as_well_as_computed():
    spectrum = Background(slope=2.0, floor=20.0).spectrum((48, 48), 25.0)
    shadow = 4 * disc(5, 48)
    small_shadow = rescaled(shadow, 24)
    noise = np.stack([rescaled(n, 24) for n in drawn_noise(spectrum, 6000, seed=3)]).reshape(6000, -1)
    weights = np.linalg.solve(np.cov(noise[:3000], rowvar=False), small_shadow.ravel())
    scores = noise[3000:] @ weights
    # an observer trained on n pictures of p pixels falls short of the best one by the factor 1 - p/n
    found = (weights @ small_shadow.ravel()) ** 2 / scores.var() / (1 - 24 * 24 / 3000)
    assert found == pytest.approx(detectability(shadow, spectrum, (24,))[0], rel=0.1)


@settings(max_examples=40, deadline=None)
@given(
    radius=st.floats(1.0, 30.0),
    slope=st.floats(0.0, 4.0),
    floor=st.floats(0.0, 1000.0),
    method=st.sampled_from(["area", "nearest"]),
)
def test_shrinking_never_adds_information(radius, slope, floor, method):
    spectrum = Background(slope, floor).spectrum((96, 96), 100.0)
    found = detectability(disc(radius), spectrum, (96, 80, 64, 48, 32, 24, 16), method)
    assert (found[1:] <= found[0] * (1 + 1e-9)).all()


def test_small_shadows_lose_more_than_large_ones():
    spectrum = Background(3.0, 10.0).spectrum((96, 96), 100.0)
    kept = [np.divide(*detectability(disc(r, soft=0.3 * r), spectrum, (24, 96))) for r in (2, 4, 8, 16)]
    assert (np.diff(kept) > 0).all()


@pytest.mark.parametrize("slope", [1.0, 2.0, 3.0])
def test_the_slope_of_a_drawn_background_is_found(slope):
    noise = drawn_noise(Background(slope, 0.0).spectrum((128, 128), 900.0), 20)
    found = fitted_background(noise[:, 40:72, 40:72])
    assert found.slope == pytest.approx(slope, abs=0.35)


def test_flat_patches_are_refused():
    with pytest.raises(ValueError, match="no patch"):
        fitted_background(np.ones((3, 16, 16)))
