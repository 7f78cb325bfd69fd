"""The random encoder sees what it should, at the speed it should."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from radassay.encoders.random_conv import RandomConv
from radassay.errors import SettingsError


@pytest.fixture(scope="module")
def chests():
    """Bright and dark blobs with texture: crude, but with places."""
    rng = np.random.default_rng(0)
    rough = gaussian_filter(rng.standard_normal((60, 64, 64)), (0, 8, 8)) * 8 + 0.5
    fine = gaussian_filter(rng.standard_normal((60, 64, 64)), (0, 1, 1)) * 0.1
    return np.clip(rough + fine, 0, 1).astype(np.float32)


def shift(encoder, chests, changed):
    """Return the mean move of the features in units of their standard deviation between images."""
    before, after = encoder.encode(chests), encoder.encode(changed.astype(np.float32))
    return np.abs(((after - before).mean(axis=0)) / before.std(axis=0)).max()


def test_it_sees_blur_noise_markers_and_position(chests):
    encoder = RandomConv()
    marked = chests.copy()
    marked[:, 3:7, 3:6] = 0.95
    assert shift(encoder, chests, gaussian_filter(chests, (0, 1, 1))) > 0.3
    assert shift(encoder, chests, chests + 0.03 * np.random.default_rng(1).standard_normal(chests.shape)) > 0.5
    assert shift(encoder, chests, marked) > 0.2
    assert shift(encoder, chests, chests[:, ::-1].copy()) > 0.1


def test_contrast_moves_it_less_than_texture(chests):
    encoder = RandomConv()
    assert shift(encoder, chests, 0.5 + 0.9 * (chests - 0.5)) < shift(
        encoder, chests, gaussian_filter(chests, (0, 1, 1))
    )


def test_resolution_matters_little(chests):
    encoder = RandomConv()
    smooth = gaussian_filter(chests, (0, 2, 2))
    large = np.kron(smooth, np.ones((2, 2))).astype(np.float32)
    a, b = encoder.encode(smooth), encoder.encode(large)
    assert np.linalg.norm(a - b, axis=1).mean() < 0.5 * np.linalg.norm(a - a.mean(axis=0), axis=1).mean()


def test_settings_count_in_the_fingerprint():
    prints = {RandomConv(**s).fingerprint for s in ({}, {"side": 32}, {"dims": 64}, {"seed": 1})}
    assert len(prints) == 4
    assert RandomConv(dims=32).encode(np.zeros((3, 40, 40), dtype=np.float32)).shape == (3, 32)
    for wrong in ({"side": 8}, {"dims": 0}):
        with pytest.raises(SettingsError):
            RandomConv(**wrong)


def test_weights_are_those_of_this_version():
    """A change of weights makes old and new findings incomparable: then change the name or the default seed."""
    ramp = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(1, 64, 64)
    features = RandomConv().encode(ramp)[0]
    np.testing.assert_allclose(features[:4], GOLDEN, atol=1e-4)


GOLDEN = [1.790772, -0.582471, -0.870615, 2.524738]


def test_threads_do_not_change_a_row(chests):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = RandomConv().encode(chests)
        torch.set_num_threads(2)
        np.testing.assert_array_equal(RandomConv().encode(chests), one)
    finally:
        torch.set_num_threads(threads)
