"""Scores of real and synthetic images: difference of means and mixed model."""

from __future__ import annotations

import numpy as np
import pytest

from radassay.stats.likert import mean_difference, mixed_model
from radassay.stats.mrmc import one_modality
from radassay.stats.reader_figures import jackknife_figures

SYNTHETIC = np.arange(40) < 20


def scores(seed, shift=0.0, readers=5, by_arm=0.3):
    rng = np.random.default_rng(seed)
    latent = 3 + 0.5 * rng.standard_normal(40) + 0.4 * rng.standard_normal((readers, 1))
    latent = latent + (shift + by_arm * rng.standard_normal((readers, 1))) * SYNTHETIC
    return np.clip(np.round(latent + 0.7 * rng.standard_normal((readers, 40))), 1, 5)


def test_difference_of_means_over_readers_and_images():
    ratings = scores(0, -1.0)
    found = one_modality(jackknife_figures(ratings, SYNTHETIC, mean_difference, bounds=(-4, 4)))
    assert found.value == pytest.approx(ratings[:, SYNTHETIC].mean() - ratings[:, ~SYNTHETIC].mean())
    assert found.low < -1 < found.high and found.high < 0


def test_the_mixed_model_finds_the_same_difference_and_all_variances():
    pytest.importorskip("statsmodels")
    ratings = scores(1, -1.0)
    found = mixed_model(ratings, SYNTHETIC)
    assert found.difference == pytest.approx(mean_difference(ratings, SYNTHETIC).mean(), abs=1e-6)
    assert set(found.variances) == {"images", "readers", "readers by arm", "rest"}
    assert found.variances["rest"] == pytest.approx(0.7**2 + 1 / 12, rel=0.3)
    assert found.low < -1 < found.high and found.p < 0.05


def test_the_mixed_model_is_that_of_balanced_mean_squares():
    """In a balanced study REML equals the analysis of variance where all its estimates are positive."""
    pytest.importorskip("statsmodels")
    ratings = scores(2, by_arm=0.8)
    found = mixed_model(ratings, SYNTHETIC)
    arms = np.stack([ratings[:, ~SYNTHETIC], ratings[:, SYNTHETIC]], axis=1)  # readers, arms, images
    r, a, n = arms.shape
    cell, of_image = arms.mean(axis=2), arms.mean(axis=0)
    rest = arms - cell[:, :, None] - of_image[None] + arms.mean(axis=(0, 2))[None, :, None]
    ms_rest = (rest**2).sum() / (a * (r - 1) * (n - 1))
    ms_image = r * ((of_image - of_image.mean(axis=1, keepdims=True)) ** 2).sum() / (a * (n - 1))
    both = cell - cell.mean(axis=0) - cell.mean(axis=1, keepdims=True) + cell.mean()
    ms_both = n * (both**2).sum() / ((r - 1) * (a - 1))
    assert found.variances["rest"] == pytest.approx(ms_rest, rel=1e-3)
    assert found.variances["images"] == pytest.approx((ms_image - ms_rest) / r, rel=1e-2)
    assert found.variances["readers by arm"] == pytest.approx((ms_both - ms_rest) / n, rel=1e-2)


def test_missing_scores_are_left_out():
    pytest.importorskip("statsmodels")
    ratings = scores(3)
    ratings[0, :3] = np.nan
    assert np.isfinite(mixed_model(ratings, SYNTHETIC).difference)


def test_one_arm_or_one_reader_is_refused():
    with pytest.raises(ValueError, match="real and synthetic"):
        mean_difference(scores(4), np.ones(40, dtype=bool))
    with pytest.raises(ValueError, match="two readers"):
        mixed_model(scores(4)[:1], SYNTHETIC)
    with pytest.raises(ValueError, match="real and synthetic"):
        mixed_model(scores(4), np.zeros(40, dtype=bool))
