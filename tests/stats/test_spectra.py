"""Radial spectra of pictures whose spectrum is known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from radassay.stats.spectra import FAINTEST, log_spectra


@pytest.mark.parametrize("cycles", [3, 8, 20])
def test_a_wave_lies_in_its_ring(cycles):
    wave = np.sin(2 * np.pi * cycles * np.arange(64) / 64)
    for picture in (np.tile(wave, (64, 1)), np.tile(wave, (64, 1)).T):
        assert log_spectra(picture[None])[0].argmax() == cycles - 1


@pytest.mark.parametrize("size", [31, 64])
def test_white_noise_has_its_variance_at_each_frequency(size):
    noise = np.random.default_rng(0).normal(0.5, 0.1, (300, size, size))
    power = np.exp(log_spectra(noise)).mean(axis=0)
    assert power.shape == (size // 2,)
    assert power[1:] == pytest.approx(np.full(size // 2 - 1, 0.01), rel=0.1)


def test_blur_takes_the_high_frequencies():
    noise = np.random.default_rng(0).normal(0.5, 0.1, (20, 64, 64))
    lost = (log_spectra(noise) - log_spectra(gaussian_filter(noise, (0, 1, 1)))).mean(axis=0)
    assert lost[-1] > 5
    assert lost[0] < 0.5


def test_flat_pictures_are_finite_and_fainter_than_any_grey_step():
    found = log_spectra(np.full((2, 32, 32), 0.4))
    assert np.isfinite(found).all()
    assert found.max() < np.log(1e-11)
    assert log_spectra(np.full((1, 32, 32), 0.5)) == pytest.approx(np.log(FAINTEST))
