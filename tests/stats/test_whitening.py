"""Whitening makes real variation round and copes with flat samples."""

import numpy as np
import pytest

from radassay.stats.whitening import RIDGE, Whitening


def test_the_training_sample_becomes_round():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, 6)) @ rng.normal(size=(6, 6)) + 7
    white = Whitening.fit(x)(x)
    covariance = np.cov(white.T)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-9)
    variances = np.sort(np.linalg.eigvalsh(np.cov(x.T)))[::-1]
    np.testing.assert_allclose(np.diag(covariance), variances / (variances + RIDGE * variances.mean()))


def test_a_flat_sample_is_only_centred():
    white = Whitening.fit(np.ones((10, 3)))(np.array([[1.0, 1.0, 3.0]]))
    assert np.linalg.norm(white) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="two rows"):
        Whitening.fit(np.ones((1, 3)))
