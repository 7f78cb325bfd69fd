"""Every registered encoder keeps the contract."""

import numpy as np
import pytest

from radassay import registry
from radassay.errors import InputError

NAMES = registry.names("encoders")


@pytest.fixture(params=NAMES)
def encoder(request):
    return registry.load("encoders", request.param)()


@pytest.fixture(scope="module")
def pixels():
    coarse = np.random.default_rng(0).random((75, 8, 8), dtype=np.float32)
    return np.ascontiguousarray(np.kron(coarse, np.ones((6, 6), dtype=np.float32)))


def test_it_says_what_it_is(encoder):
    assert encoder.name in NAMES
    assert encoder.paper
    assert len(encoder.fingerprint) >= 16
    assert type(encoder)().fingerprint == encoder.fingerprint


def test_features_are_finite_float32_rows(encoder, pixels):
    features = encoder.encode(pixels)
    assert features.dtype == np.float32
    assert features.ndim == 2
    assert len(features) == len(pixels)
    assert np.isfinite(features).all()
    assert (features.std(axis=0) > 0).any()
    assert encoder.encode(pixels[:0]).shape == (0, features.shape[1])


def test_a_row_depends_on_its_image_alone(encoder, pixels):
    features = encoder.encode(pixels)
    np.testing.assert_array_equal(encoder.encode(pixels), features)
    order = np.random.default_rng(1).permutation(len(pixels))
    np.testing.assert_array_equal(encoder.encode(pixels[order]), features[order])
    np.testing.assert_array_equal(encoder.encode(pixels[40:41]), features[40:41])
    np.testing.assert_array_equal(encoder.encode(pixels[3:50]), features[3:50])


def test_flat_and_tiny_images_are_no_exception(encoder):
    for image in (np.zeros((2, 64, 64)), np.ones((2, 64, 64)), np.random.default_rng(0).random((2, 9, 9))):
        assert np.isfinite(encoder.encode(image.astype(np.float32))).all()


def test_what_is_no_image_is_refused(encoder):
    with pytest.raises(InputError):
        encoder.encode(np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(InputError):
        encoder.encode(np.full((1, 32, 32), np.nan, dtype=np.float32))
